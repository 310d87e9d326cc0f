#include "libs/rpc/tls.h"

#include <string_view>

#include "libs/rpc/certificates.h"

namespace section55::rpc {
namespace {

constexpr std::string_view kIdentity = "spiffe://section55/";

}  // namespace

std::shared_ptr<grpc::ServerCredentials> ServerTls(const std::string& folder, std::string_view service_name) {
  grpc::experimental::TlsServerCredentialsOptions options(WatchCertificates(folder, service_name));
  options.watch_identity_key_cert_pairs();
  options.watch_root_certs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  // A client has no host name to check; who it is, its certificate's URI says (ServiceNameOf).
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  options.set_check_call_host(false);
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> PeerTls(const std::string& folder) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(WatchCertificates(folder));
  options.watch_identity_key_cert_pairs();
  options.watch_root_certs();
  options.set_certificate_verifier(std::make_shared<grpc::experimental::HostNameCertificateVerifier>());
  return grpc::experimental::TlsCredentials(options);
}

std::string ServiceNameOf(const grpc::AuthContext& context) {
  const auto uris = context.FindPropertyValues("peer_uri");
  // With several names it would be a matter of luck which of them counts.
  if (uris.size() != 1) {
    return "";
  }
  const std::string_view uri(uris[0].data(), uris[0].size());
  return uri.starts_with(kIdentity) ? std::string(uri.substr(kIdentity.size())) : "";
}

}  // namespace section55::rpc
