// Certificates of a server or a peer: a folder with certificate.pem, key.pem and ca.pem.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace section55::rpc {

// OK when the three files are there and the key belongs to the certificate; otherwise the sentence that says what is
// wrong. gRPC itself would start and refuse every handshake.
absl::Status CheckCertificates(const std::string& folder);

// When the certificate of a folder holds, and the authority's with it.
struct Validity {
  absl::Time from, until;
  // OK, or the sentence that says that it does not hold at `now`.
  absl::Status Check(absl::Time now) const;
};

// NOT_FOUND or INVALID_ARGUMENT, as of CheckCertificates, also while the files are being exchanged: what was there before is used on.
absl::StatusOr<Validity> ReadValidity(const std::string& folder);

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
