#include "libs/base/ids.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace section55::base {

std::string NewUuid() {
  // Random bytes are drawn many at a time: one system call for each would show in every request.
  constexpr size_t kUuidBytes = 16;
  thread_local std::array<unsigned char, kUuidBytes * 64> pool;
  thread_local size_t used = pool.size();
  if (used == pool.size()) {
    if (RAND_bytes(pool.data(), static_cast<int>(pool.size())) != 1) {
      std::abort();
    }
    used = 0;
  }
  unsigned char* b = pool.data() + used;
  used += kUuidBytes;
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  constexpr char kHex[] = "0123456789abcdef";
  std::string uuid;
  uuid.reserve(36);
  for (size_t i = 0; i < kUuidBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      uuid += '-';
    }
    uuid += kHex[b[i] >> 4];
    uuid += kHex[b[i] & 0x0f];
  }
  return uuid;
}

int64_t NewOrderedId() {
  // 63 bits for 4096 ids a microsecond last 71 years.
  constexpr int64_t kOneMicrosecond = 4096;
  static const absl::Time begin = absl::FromCivil(absl::CivilYear(2020), absl::UTCTimeZone());
  static std::atomic<int64_t> last = 0;
  unsigned int drawn = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&drawn), sizeof(drawn)) != 1) {
    std::abort();
  }
  const int64_t wanted = absl::ToInt64Microseconds(absl::Now() - begin) * kOneMicrosecond + drawn % kOneMicrosecond;
  int64_t before = last;
  while (!last.compare_exchange_weak(before, std::max(before + 1, wanted))) {
  }
  return std::max(before + 1, wanted);
}

struct Sha256::State {
  // Without memory there is nothing that could be said of the bytes.
  State() : context(EVP_MD_CTX_new()) {
    Check(context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr));
  }
  ~State() { EVP_MD_CTX_free(context); }
  static void Check(bool done) {
    if (!done) {
      std::abort();
    }
  }
  EVP_MD_CTX* const context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;

void Sha256::Add(std::string_view bytes) {
  State::Check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::Hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  State::Check(EVP_DigestFinal_ex(state_->context, digest.data(), &size) == 1);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += fmt::format("{:02x}", digest[i]);
  }
  return hex;
}

std::string Sha256Hex(std::string_view bytes) {
  Sha256 digest;
  digest.Add(bytes);
  return digest.Hex();
}

bool IsResourceId(std::string_view id) {
  if (id.empty() || id.size() > 63 || id.front() == '-' || id.back() == '-') {
    return false;
  }
  for (char c : id) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
      return false;
    }
  }
  return true;
}

std::string EtagOf(int64_t version) { return fmt::format("v{}", version); }

}  // namespace section55::base
