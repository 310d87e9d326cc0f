#include "libs/rpc/tls.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <string_view>

#include "libs/base/status.h"

namespace section55::rpc {
namespace {

constexpr unsigned int kReloadSeconds = 1;
constexpr std::string_view kIdentity = "spiffe://section55/";

std::string CertificatePath(const std::string& folder) { return folder + "/certificate.pem"; }
std::string KeyPath(const std::string& folder) { return folder + "/key.pem"; }
std::string RootsPath(const std::string& folder) { return folder + "/ca.pem"; }

std::shared_ptr<X509> ReadCertificate(const std::string& path) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(path.c_str(), "r"), BIO_free);
  return {file ? PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr) : nullptr, X509_free};
}

std::shared_ptr<EVP_PKEY> ReadKey(const std::string& path) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(path.c_str(), "r"), BIO_free);
  // A key under a passphrase is unusable here: it is not asked for on a terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  return {file ? PEM_read_bio_PrivateKey(file.get(), nullptr, no_passphrase, nullptr) : nullptr, EVP_PKEY_free};
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm parts = {};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? absl::FromTM(parts, absl::UTCTimeZone()) : absl::InfinitePast();
}

std::string Text(absl::Time time) { return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone()); }

}  // namespace

absl::Status CheckCertificates(const std::string& folder) {
  const auto certificate = ReadCertificate(CertificatePath(folder));
  const auto key = ReadKey(KeyPath(folder));
  const std::string unreadable = certificate == nullptr                          ? CertificatePath(folder)
                                 : key == nullptr                                ? KeyPath(folder)
                                 : ReadCertificate(RootsPath(folder)) == nullptr ? RootsPath(folder)
                                                                                 : "";
  if (!unreadable.empty()) {
    return absl::NotFoundError(fmt::format("{} is missing or not in PEM form", unreadable));
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return absl::InvalidArgumentError(fmt::format("{} is not the key of {}", KeyPath(folder), CertificatePath(folder)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Validity> ReadValidity(const std::string& folder) {
  RETURN_IF_ERROR(CheckCertificates(folder));
  Validity validity{absl::InfinitePast(), absl::InfiniteFuture()};
  for (const std::string& path : {CertificatePath(folder), RootsPath(folder)}) {
    const auto certificate = ReadCertificate(path);
    if (certificate == nullptr) {
      return absl::NotFoundError(fmt::format("{} is missing or not in PEM form", path));
    }
    validity.from = std::max(validity.from, TimeOf(X509_get0_notBefore(certificate.get())));
    validity.until = std::min(validity.until, TimeOf(X509_get0_notAfter(certificate.get())));
  }
  return validity;
}

absl::Status Validity::Check(absl::Time now) const {
  if (now >= from && now < until) {
    return absl::OkStatus();
  }
  return base::Error(absl::StatusCode::kUnavailable, "CERTIFICATE_INVALID",
                     now < from
                         ? fmt::format("the certificate or its authority's holds only from {} on: check the clock, or "
                                       "put one that holds into the folder of --certificates",
                                       Text(from))
                         : fmt::format("the certificate or its authority's has expired at {}: put a new one into the "
                                       "folder of --certificates",
                                       Text(until)));
}

std::shared_ptr<grpc::experimental::CertificateProviderInterface> WatchCertificates(const std::string& folder) {
  return std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(KeyPath(folder), CertificatePath(folder),
                                                                              RootsPath(folder), kReloadSeconds);
}

std::shared_ptr<grpc::ServerCredentials> ServerTls(const std::string& folder) {
  grpc::experimental::TlsServerCredentialsOptions options(WatchCertificates(folder));
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
