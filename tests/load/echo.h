// The floor for every call: a raw gRPC server, sync API, TLS, no authorisation, that answers with bytes it holds.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>

namespace section55::load {

inline constexpr char kEchoMethod[] = "/section55.load.Echo/Echo";

// Serves on 127.0.0.1 until the process is ended; prints the port on standard output. `answer_bytes` is the size of every answer.
int ServeEcho(const std::string& certificates, size_t answer_bytes);

}  // namespace section55::load
