#include "tests/fault/raw_http2.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace section55::fault {
namespace {

SSL_CTX* Context() {
  static SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  return context;
}

bool Wait(int socket, short events, int milliseconds) {
  pollfd one = {socket, events, 0};
  return poll(&one, 1, milliseconds) > 0;
}

}  // namespace

int Connect(int port, const std::string& from) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, from.c_str(), &address.sin_addr);
  bind(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(connection);
    return -1;
  }
  return connection;
}

RawHttp2::RawHttp2(int port, const std::string& from) : socket_(Connect(port, from)) {
  signal(SIGPIPE, SIG_IGN);  // to be hung up on is what it expects
  // Nobody is waited for longer than this.
  const timeval patience = {10, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ssl_ = SSL_new(Context());
  constexpr std::string_view kProtocols = "\x02h2";
  SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(kProtocols.data()), kProtocols.size());
  SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_fd(ssl_, socket_);
  closed_ = socket_ < 0 || SSL_connect(ssl_) != 1;
  if (socket_ >= 0) {
    fcntl(socket_, F_SETFL, O_NONBLOCK);
  }
}

RawHttp2::~RawHttp2() {
  SSL_free(ssl_);
  if (socket_ >= 0) {
    close(socket_);
  }
}

bool RawHttp2::Greet() {
  constexpr uint8_t kSettings = 4;
  return Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, ""));
}

bool RawHttp2::Read() {
  std::array<char, 16384> bytes;
  while (!closed_) {
    const int got = SSL_read(ssl_, bytes.data(), bytes.size());
    if (got > 0) {
      received_ += got;
      continue;
    }
    const int error = SSL_get_error(ssl_, got);
    closed_ = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
    break;
  }
  return !closed_;
}

bool RawHttp2::Send(std::string_view bytes) {
  constexpr size_t kAtOnce = 16384;
  constexpr int kPatience = 10'000;
  while (!bytes.empty() && Read()) {
    const int sent = SSL_write(ssl_, bytes.data(), static_cast<int>(std::min(bytes.size(), kAtOnce)));
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    const int error = SSL_get_error(ssl_, sent);
    closed_ =
        (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) || !Wait(socket_, POLLIN | POLLOUT, kPatience);
  }
  return !closed_;
}

void RawHttp2::Drain(int milliseconds) {
  while (Read() && Wait(socket_, POLLIN, milliseconds)) {
  }
}

std::string RawHttp2::Frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string frame;
  for (const size_t byte : {payload.size() >> 16, payload.size() >> 8, payload.size(), size_t{type}, size_t{flags},
                            size_t{stream} >> 24, size_t{stream} >> 16, size_t{stream} >> 8, size_t{stream}}) {
    frame.push_back(static_cast<char>(byte));
  }
  return frame.append(payload);
}

std::string RawHttp2::Header(std::string_view name, std::string_view value) {
  std::string header(1, '\0');
  for (const std::string_view text : {name, value}) {
    // HPACK's integers with a prefix of 7 bits.
    constexpr size_t kPrefix = 127;
    if (text.size() < kPrefix) {
      header.push_back(static_cast<char>(text.size()));
    } else {
      header.push_back(static_cast<char>(kPrefix));
      size_t rest = text.size() - kPrefix;
      for (; rest >= 128; rest /= 128) {
        header.push_back(static_cast<char>(rest % 128 + 128));
      }
      header.push_back(static_cast<char>(rest));
    }
    header.append(text);
  }
  return header;
}

std::string RawHttp2::CallOf(std::string_view path, std::string_view more) {
  return "\x83\x87" + Header(":path", path) + Header(":authority", "localhost") +
         Header("content-type", "application/grpc") + Header("te", "trailers") + std::string(more);
}

std::string RawHttp2::Open(uint32_t stream, std::string_view block) {
  constexpr uint8_t kHeaders = 1;
  constexpr uint8_t kEndHeaders = 4;
  return Frame(kHeaders, kEndHeaders, stream, block);
}

std::string RawHttp2::Message(uint32_t stream) {
  constexpr uint8_t kEndStream = 1;
  return Frame(0, kEndStream, stream, std::string(5, '\0'));
}

std::string RawHttp2::Reset(uint32_t stream) { return Frame(3, 0, stream, std::string("\0\0\0\x08", 4)); }
std::string RawHttp2::Ping() { return Frame(6, 0, 0, "12345678"); }
std::string RawHttp2::SettingsAck() { return Frame(4, 1, 0, ""); }

}  // namespace section55::fault
