// Channels from one service to another.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace section55::rpc {

// A channel with mutual TLS: `certificates` is the folder of the calling service (certificate.pem, key.pem, ca.pem),
// read again when they change. It keeps reconnecting quickly (backoff up to one second) for as long as it lives.
std::shared_ptr<grpc::Channel> ConnectToPeer(const std::string& address, const std::string& certificates);

}  // namespace section55::rpc
