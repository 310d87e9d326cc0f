// Connections that keep to no rule.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace section55::fault {

// A TCP connection to 127.0.0.1 from any loopback address ("127.0.0.2"); -1 when there is none. The caller closes it.
int Connect(int port, const std::string& from = "127.0.0.1");

// HTTP/2 over TLS, frame by frame; never acknowledges anything unless it is told to, and reads only so that the other side can go on.
class RawHttp2 {
 public:
  explicit RawHttp2(int port, const std::string& from = "127.0.0.1");
  ~RawHttp2();
  RawHttp2(const RawHttp2&) = delete;

  // Sends the preface, with SETTINGS; false when the connection is closed.
  bool Greet();
  // Sends, reading what comes meanwhile; false when the connection was closed.
  bool Send(std::string_view bytes);
  // Reads until the other side hangs up or nothing has come for so long.
  void Drain(int milliseconds);
  bool closed() const { return closed_; }
  int64_t received() const { return received_; }

  static std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload);
  // The header block of a call, literally; `more` is added.
  static std::string CallOf(std::string_view path, std::string_view more = "");
  static std::string Header(std::string_view name, std::string_view value);
  // HEADERS that open a stream; the call's message does not follow.
  static std::string Open(uint32_t stream, std::string_view block);
  // An empty message that ends the caller's side.
  static std::string Message(uint32_t stream);
  static std::string Reset(uint32_t stream);
  static std::string Ping();
  static std::string SettingsAck();

 private:
  bool Read();

  int socket_;
  SSL* ssl_ = nullptr;
  bool closed_ = false;
  int64_t received_ = 0;
};

}  // namespace section55::fault
