// TLS of a server and of its peers, with the certificates of a folder (certificates.h).
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <string_view>

namespace section55::rpc {

// A server asks every caller for a certificate and verifies one that is shown, but does without: people bring a token
// instead. `service_name` is whose certificate it must be, also later; empty: anybody's.
std::shared_ptr<grpc::ServerCredentials> ServerTls(const std::string& folder, std::string_view service_name = "");

// A service shows its own certificate and checks that its peer's is for the host that it called.
std::shared_ptr<grpc::ChannelCredentials> PeerTls(const std::string& folder);

// NAME of the verified client certificate's only URI, "spiffe://section55/NAME"; empty when there is no such
// certificate.
std::string ServiceNameOf(const grpc::AuthContext& context);

}  // namespace section55::rpc
