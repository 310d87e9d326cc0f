#include "libs/rpc/self_probe.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "libs/base/log.h"
#include "libs/base/status.h"

namespace section55::rpc {
namespace {

// HTTP/2 (RFC 9113), as much as one call takes.
constexpr size_t kFrameHead = 9;  // length (3 bytes), type, flags, stream (4 bytes)
constexpr size_t kMostFrame = 16 * 1024;
constexpr uint8_t kData = 0;
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kReset = 3;
constexpr uint8_t kSettings = 4;
constexpr uint8_t kGoAway = 7;
constexpr uint8_t kEndStream = 0x1;
constexpr uint8_t kEndHeaders = 0x4;

using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;

absl::Duration SteadyNow() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

struct Socket {
  ~Socket() {
    if (descriptor >= 0) {
      close(descriptor);
    }
  }
  int descriptor = -1;
};

// Ends the announcement on every way out.
struct Announced {
  ~Announced() { announce(0); }
  const std::function<void(int)>& announce;
};

std::string Frame(uint8_t type, uint8_t flags, uint8_t stream, std::string_view payload) {
  std::string frame = {static_cast<char>(payload.size() >> 16),
                       static_cast<char>(payload.size() >> 8),
                       static_cast<char>(payload.size()),
                       static_cast<char>(type),
                       static_cast<char>(flags),
                       0,
                       0,
                       0,
                       static_cast<char>(stream)};
  return frame.append(payload);
}

// A header whose name stands at `index` of HPACK's static table, below 15; not indexed, not compressed.
std::string Indexed(uint8_t index, std::string_view value) {
  return std::string{static_cast<char>(index), static_cast<char>(value.size())}.append(value);
}

std::string Named(std::string_view name, std::string_view value) {
  return std::string{0, static_cast<char>(name.size())}.append(name) +
         std::string{static_cast<char>(value.size())}.append(value);
}

// Everything that a client says to ask for the health of "".
std::string HealthCall() {
  constexpr uint8_t kAuthority = 1;
  constexpr uint8_t kPath = 4;
  const std::string post_https = "\x83\x87";  // :method and :scheme, from the static table
  const std::string headers = post_https + Indexed(kPath, "/grpc.health.v1.Health/Check") +
                              Indexed(kAuthority, "localhost") + Named("content-type", "application/grpc") +
                              Named("te", "trailers");
  constexpr size_t kMessageHead = 5;
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, "") + Frame(kHeaders, kEndHeaders, 1, headers) +
         Frame(kData, kEndStream, 1, std::string(kMessageHead, '\0'));
}

absl::Status Failed(std::string_view step) {
  return absl::UnavailableError(fmt::format("{} failed ({})", step, errno == 0 ? "no answer" : strerror(errno)));
}

absl::Status Read(SSL* ssl, absl::Span<uint8_t> bytes, absl::Duration until) {
  for (size_t have = 0; have < bytes.size();) {
    errno = 0;
    const int got = SSL_read(ssl, bytes.data() + have, static_cast<int>(bytes.size() - have));
    if (got <= 0 || SteadyNow() > until) {
      return Failed("waiting for an answer");
    }
    have += static_cast<size_t>(got);
  }
  return absl::OkStatus();
}

absl::Status AwaitAnswer(SSL* ssl, absl::Duration until) {
  while (true) {
    std::array<uint8_t, kFrameHead> head = {};
    RETURN_IF_ERROR(Read(ssl, absl::MakeSpan(head), until));
    const size_t size = static_cast<size_t>(head[0]) << 16 | static_cast<size_t>(head[1]) << 8 | head[2];
    const uint8_t type = head[3];
    if (type == kHeaders && head.back() == 1) {
      return absl::OkStatus();
    }
    if (type == kReset || type == kGoAway || size > kMostFrame) {
      return absl::UnavailableError("the health service hung up");
    }
    std::vector<uint8_t> passed_over(size);
    RETURN_IF_ERROR(Read(ssl, absl::MakeSpan(passed_over), until));
  }
}

SSL_CTX* ClientContext() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(made, SSL_VERIFY_NONE, nullptr);
    return made;
  }();
  return context;
}

}  // namespace

absl::Status ProbeOnce(const sockaddr_storage& address, absl::Duration patience,
                       const std::function<void(int local_port)>& announce) {
  const absl::Duration until = SteadyNow() + patience;
  const Socket socket{::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (socket.descriptor < 0) {
    return Failed("opening a socket");
  }
  const timeval wait = absl::ToTimeval(patience);
  setsockopt(socket.descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  setsockopt(socket.descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  // Bound before it connects, so that the port can be announced: to the address itself, which is this machine's.
  sockaddr_storage local = address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(local);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(local);
  (local.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port) = 0;
  socklen_t size = sizeof(local);
  if (bind(socket.descriptor, reinterpret_cast<const sockaddr*>(&local),
           local.ss_family == AF_INET6 ? sizeof(v6) : sizeof(v4)) != 0 ||
      getsockname(socket.descriptor, reinterpret_cast<sockaddr*>(&local), &size) != 0) {
    return Failed("taking a port");
  }
  const Announced announced{announce};
  announce(ntohs(local.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port));
  errno = 0;
  if (connect(socket.descriptor, reinterpret_cast<const sockaddr*>(&address),
              address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in)) != 0) {
    return Failed("connecting");
  }
  const Ssl ssl(SSL_new(ClientContext()), SSL_free);
  constexpr std::string_view kProtocols = "\x02h2";
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(kProtocols.data()), kProtocols.size());
  SSL_set_fd(ssl.get(), socket.descriptor);
  if (SSL_connect(ssl.get()) != 1) {
    return Failed("the TLS handshake");
  }
  const std::string call = HealthCall();
  if (SSL_write(ssl.get(), call.data(), static_cast<int>(call.size())) != static_cast<int>(call.size())) {
    return Failed("calling the health service");
  }
  RETURN_IF_ERROR(AwaitAnswer(ssl.get(), until));
  SSL_shutdown(ssl.get());
  return absl::OkStatus();
}

SelfProbe::SelfProbe(Options options) : options_(std::move(options)) {
  thread_ = std::thread([this] { Run(); });
}

SelfProbe::~SelfProbe() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void SelfProbe::Run() {
  int failed = 0;
  while (true) {
    {
      const absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), options_.every)) {
        return;
      }
    }
    const absl::Status status = options_.look();
    failed = status.ok() ? 0 : failed + 1;
    if (status.ok()) {
      continue;
    }
    base::Log(
        base::Severity::kWarning, "this process did not answer itself",
        {{"error", std::string_view(status.message().data(), status.message().size())}, {"times", int64_t{failed}}});
    if (failed == options_.failures) {
      options_.deaf(status);
    }
  }
}

}  // namespace section55::rpc
