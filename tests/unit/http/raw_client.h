// A client that sends exactly the bytes it is given.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "libs/http/fields.h"

namespace section55::http {

struct Received {
  int status = 0;                              // 0: the connection was closed, or nothing came
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string Header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

class RawClient {
 public:
  explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // A test that waits for what does not come fails instead of hanging.
    const timeval patience = {.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  RawClient(RawClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  ~RawClient() {
    if (socket_ >= 0) {
      close(socket_);
    }
  }

  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return;  // closed by the server: what comes next shows it
      }
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  // The next answer. `head`: to a HEAD, which has no body whatever its headers say.
  Received Read(bool head = false) {
    Received received;
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!Fill()) {
        return received;
      }
    }
    const std::string top = buffer_.substr(0, end);
    buffer_.erase(0, end + 4);
    received.status = std::stoi(top.substr(9, 3));
    for (size_t line = top.find("\r\n"); line != std::string::npos; line = top.find("\r\n", line + 2)) {
      const size_t colon = top.find(':', line);
      const size_t next = std::min(top.find("\r\n", line + 2), top.size());
      received.headers[ToLower(top.substr(line + 2, colon - line - 2))] =
          Trim(std::string_view(top).substr(colon + 1, next - colon - 1));
    }
    const std::string length = received.Header("content-length");
    const size_t size = head || length.empty() || received.status == 304 ? 0 : std::stoul(length);
    while (buffer_.size() < size && Fill()) {
    }
    received.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return received;
  }

  // Everything until the server closes the connection.
  std::string ReadAll() {
    while (Fill()) {
    }
    return std::exchange(buffer_, "");
  }

  // Whether the server has closed the connection, or does now.
  bool Closed() { return !Fill() && !timed_out_; }

 private:
  bool Fill() {
    char bytes[16384];
    const ssize_t size = recv(socket_, bytes, sizeof(bytes), 0);
    timed_out_ = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (size <= 0) {
      return false;
    }
    buffer_.append(bytes, static_cast<size_t>(size));
    return true;
  }

  int socket_;
  bool timed_out_ = false;
  std::string buffer_;
};

}  // namespace section55::http
