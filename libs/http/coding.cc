#include "libs/http/coding.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <optional>

#include "libs/http/fields.h"

namespace section55::http {
namespace {

// The weight of "gzip;q=0.5" in thousandths. A weight that cannot be read counts as 0: it is not what was asked for.
int WeightOf(std::string_view parameters) {
  for (const std::string_view part : SplitList(parameters, ';')) {
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos || ToLower(Trim(part.substr(0, equals))) != "q") {
      continue;
    }
    const std::string_view value = Trim(part.substr(equals + 1));
    double weight = 0;
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), weight, std::chars_format::fixed);
    const bool readable = error == std::errc() && end == value.data() + value.size() && weight >= 0 && weight <= 1;
    return readable ? static_cast<int>(weight * 1000) : 0;
  }
  return 1000;
}

}  // namespace

Coding ChooseCoding(std::string_view accept_encoding, bool worth_it) {
  std::optional<int> gzip, identity, others;
  for (const std::string_view element : SplitList(accept_encoding, ',')) {
    const size_t semicolon = std::min(element.find(';'), element.size());
    const std::string name = ToLower(Trim(element.substr(0, semicolon)));
    const int weight = WeightOf(element.substr(semicolon));
    if (name == "gzip" || name == "x-gzip") {
      gzip = std::max(gzip.value_or(0), weight);
    } else if (name == "identity") {
      identity = weight;
    } else if (name == "*") {
      others = weight;
    }
  }
  const int gzip_weight = gzip.value_or(others.value_or(0));
  if (gzip_weight == 0) {
    return Coding::kIdentity;  // even where that is refused: an answer is worth more than none
  }
  if (identity == 0 || (!identity && others == 0)) {
    return Coding::kGzip;
  }
  return worth_it && gzip_weight >= identity.value_or(0) ? Coding::kGzip : Coding::kIdentity;
}

std::string Gzip(std::string_view bytes) {
  constexpr int kLevel = 6;
  constexpr int kGzipWindow = 15 + 16;  // 16: a gzip header, without a time in it
  constexpr int kMemory = 8;
  z_stream stream = {};
  if (deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string compressed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib reads it only
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  deflate(&stream, Z_FINISH);  // deflateBound: it fits
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  return compressed;
}

std::shared_ptr<const std::string> SharedBodies::Share(const std::string& key,
                                                       std::shared_ptr<const std::string> body) {
  if (key.empty()) {
    return body;
  }
  const absl::MutexLock lock(&mutex_);
  if (bodies_.size() >= sweep_at_) {
    std::erase_if(bodies_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = 2 * bodies_.size() + 64;
  }
  std::weak_ptr<const std::string>& held = bodies_[key];
  if (auto same = held.lock()) {
    return same;
  }
  held = body;
  return body;
}

std::shared_ptr<const std::string> CompressedForms::Get(const std::string& key, std::string_view body) {
  if (!key.empty()) {
    const absl::MutexLock lock(&mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      forms_.splice(forms_.begin(), forms_, found->second);
      return forms_.front().bytes;
    }
  }
  auto bytes = std::make_shared<const std::string>(Gzip(body));  // others go on meanwhile
  const absl::MutexLock lock(&mutex_);
  ++made_;
  if (key.empty() || by_key_.contains(key) || bytes->size() > most_bytes_) {
    return bytes;
  }
  forms_.push_front({key, bytes});
  by_key_.emplace(forms_.front().key, forms_.begin());
  bytes_ += bytes->size();
  while (bytes_ > most_bytes_) {
    bytes_ -= forms_.back().bytes->size();
    by_key_.erase(forms_.back().key);
    forms_.pop_back();
  }
  return bytes;
}

int64_t CompressedForms::made() const {
  const absl::MutexLock lock(&mutex_);
  return made_;
}

}  // namespace section55::http
