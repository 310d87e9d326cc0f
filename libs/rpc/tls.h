// Certificates of a server or a peer: a folder with certificate.pem, key.pem and ca.pem.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <memory>
#include <string>

#include "absl/status/status.h"

namespace section55::rpc {

// OK when the three files are there and the key belongs to the certificate; otherwise the sentence that says what is
// wrong. gRPC itself would start and refuse every handshake.
absl::Status CheckCertificates(const std::string& folder);

// Looks for changes every second.
std::shared_ptr<grpc::experimental::CertificateProviderInterface> WatchCertificates(const std::string& folder);

// A server asks every caller for a certificate and verifies one that is shown, but does without: people bring a token
// instead.
std::shared_ptr<grpc::ServerCredentials> ServerTls(const std::string& folder);

// A service shows its own certificate and checks that its peer's is for the host that it called.
std::shared_ptr<grpc::ChannelCredentials> PeerTls(const std::string& folder);

// NAME of the verified client certificate's only URI, "spiffe://section55/NAME"; empty when there is no such
// certificate.
std::string ServiceNameOf(const grpc::AuthContext& context);

}  // namespace section55::rpc
