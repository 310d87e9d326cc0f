#include "services/publication/web.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <optional>

#include "absl/time/clock.h"
#include "libs/base/address.h"
#include "libs/base/ids.h"
#include "libs/base/log.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "services/publication/assets.h"
#include "services/publication/pages.h"
#include "services/publication/store.h"

namespace section55::publication {
namespace {

using http::Request;
using http::Response;

constexpr int kPageSize = 50;
constexpr int kMostConnections = 4096;
// Of one reader, where readers connect themselves. On loopback everybody comes through a proxy.
constexpr int kMostConnectionsOfOne = 256;
// A reader gets a sentence rather than a page that takes longer; the thread is needed by others.
constexpr absl::Duration kPatience = absl::Seconds(5);

constexpr char kHtml[] = "text/html; charset=utf-8";
constexpr char kJson[] = "application/json";
constexpr char kPdf[] = "application/pdf";
constexpr char kWord[] = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kCss[] = "text/css; charset=utf-8";

using Format = store::Format;

// The forms of a response beside its page.
struct Form {
  Format format;
  std::string_view ending;
  const char* content_type;
  std::string_view words;
  bool compressible = true;  // PDF and Word files are compressed already.
};
constexpr Form kForms[] = {{v1::GetRenditionRequest::PDF, ".pdf", kPdf, "PDF", false},
                           {v1::GetRenditionRequest::DOCX, ".docx", kWord, "Word", false},
                           {v1::GetRenditionRequest::TEXT, ".txt", kText, "Plain text"},
                           {v1::GetRenditionRequest::JSON, ".json", kJson, "Data (JSON)"}};

std::shared_ptr<const std::string> Shared(std::string body) {
  return std::make_shared<const std::string>(std::move(body));
}

Response NotFound() { return {.status = 404, .content_type = kHtml, .body = Shared(NotFoundPage())}; }

// Where a page of the register begins: "1612865730000000.norfolk-pcc.safe-to-share". Ids hold no dots.
std::string WriteAfter(const store::PublicationPlace& place) {
  return fmt::format("{}.{}.{}", place.published_micros, place.key.body, place.key.inspection);
}

std::optional<store::PublicationPlace> ReadAfter(const std::string& text) {
  const size_t first = text.find('.');
  const size_t second = text.find('.', first == std::string::npos ? first : first + 1);
  if (second == std::string::npos) {
    return std::nullopt;
  }
  store::PublicationPlace place;
  const auto [end, error] = std::from_chars(text.data(), text.data() + first, place.published_micros);
  place.key = {text.substr(first + 1, second - first - 1), text.substr(second + 1)};
  if (error != std::errc() || end != text.data() + first || !base::IsResourceId(place.key.body) ||
      !base::IsResourceId(place.key.inspection)) {
    return std::nullopt;
  }
  return place;
}

absl::StatusOr<Response> Register(db::Database& database, const Request& request) {
  store::PublicationQuery query;
  query.limit = kPageSize + 1;
  if (const std::optional<std::string> after = request.Parameter("after")) {
    query.after = ReadAfter(*after);
    if (!query.after) {
      return NotFound();
    }
  }
  std::vector<v1::PublicationRecord> found;
  RETURN_IF_ERROR(database.Lookup(
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(found, store::ListPublications(tx, query));
        return absl::OkStatus();
      },
      absl::Now() + kPatience));
  std::string older;
  if (found.size() > kPageSize) {
    found.pop_back();
    older = "/?after=" + WriteAfter(store::PlaceOf(found.back()));
  }
  Response response{.content_type = kHtml, .body = Shared(RegisterPage(found, !query.after, older))};
  response.etag = base::Sha256Hex(*response.body);
  return response;
}

absl::StatusOr<Response> Rendition(db::Database& database, const store::Key& key, const Form& form) {
  std::string bytes;
  const absl::Status status = database.Lookup(
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(bytes, store::LoadNewestRendition(tx, key, form.format));
        return absl::OkStatus();
      },
      absl::Now() + kPatience);
  if (absl::IsNotFound(status)) {
    return NotFound();
  }
  RETURN_IF_ERROR(status);
  // The checksum again, which names the bytes of one path well enough and costs next to nothing.
  std::string etag = fmt::format("{:016x}", static_cast<uint64_t>(db::ChecksumOf(bytes)));
  return Response{.content_type = form.content_type,
                  .body = Shared(std::move(bytes)),
                  .etag = std::move(etag),
                  .compressible = form.compressible};
}

// The article as it was published, with today's page round it.
absl::StatusOr<Response> Page(db::Database& database, const store::Key& key) {
  std::string article;
  store::Sizes sizes;
  const absl::Status status = database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(article, store::LoadNewestRendition(tx, key, v1::GetRenditionRequest::HTML));
        ASSIGN_OR_RETURN(sizes, store::NewestSizes(tx, key));
        return absl::OkStatus();
      },
      absl::Now() + kPatience);
  if (absl::IsNotFound(status)) {
    return NotFound();
  }
  RETURN_IF_ERROR(status);
  std::vector<OtherFormat> formats;
  for (const Form& form : kForms) {
    if (const auto size = sizes.find(form.format); size != sizes.end()) {
      formats.push_back({fmt::format("{}, {}", form.words, SizeWords(size->second)),
                         fmt::format("/responses/{}/{}{}", key.body, key.inspection, form.ending)});
    }
  }
  std::string page = ResponsePage(article, formats);
  std::string etag = fmt::format("{:016x}", static_cast<uint64_t>(db::ChecksumOf(page)));
  return Response{.content_type = kHtml, .body = Shared(std::move(page)), .etag = std::move(etag)};
}

absl::StatusOr<Response> Route(db::Database& database, const Request& request) {
  if (request.path == "/") {
    return Register(database, request);
  }
  if (request.path == "/style.css") {
    static const auto style = Shared(std::string(assets::kStyle));
    static const std::string etag = base::Sha256Hex(*style);
    return Response{.content_type = kCss, .body = style, .etag = etag};
  }
  std::string_view path = request.path;
  const Form* form = nullptr;
  for (const Form& candidate : kForms) {
    if (path.ends_with(candidate.ending)) {
      form = &candidate;
      path.remove_suffix(candidate.ending.size());
      break;
    }
  }
  const auto ids = base::ParseName(path, "/responses/{body}/{inspection}");
  if (!ids) {
    return NotFound();
  }
  const store::Key key{(*ids)[0], (*ids)[1]};
  return form != nullptr ? Rendition(database, key, *form) : Page(database, key);
}

Response Answer(db::Database& database, const Request& request) {
  absl::StatusOr<Response> response = Route(database, request);
  if (response.ok()) {
    return *std::move(response);
  }
  base::Log(base::Severity::kError, "the register could not answer",
            {{"path", std::string_view(request.path)}, {"error", std::string_view(response.status().ToString())}});
  return {.status = 503, .body = Shared("The register cannot answer at the moment. Please try again later.\n")};
}

http::Options OptionsFor(const std::string& address) {
  http::Options options;
  options.address = address;
  options.most_connections = kMostConnections;
  options.most_connections_per_peer = base::IsLoopback(address) ? 0 : kMostConnectionsOfOne;
  options.headers = {
      // No script, no frame, no form and nothing from elsewhere: there is nothing on these pages that could need it.
      {"Content-Security-Policy",
       "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      // Kept, but asked about each time: a new edition is seen at once.
      {"Cache-Control", "no-cache"},
  };
  return options;
}

}  // namespace

PublicRegister::PublicRegister(std::unique_ptr<http::Server> server) : server_(std::move(server)) {}
PublicRegister::~PublicRegister() { Stop(); }

absl::StatusOr<std::unique_ptr<PublicRegister>> PublicRegister::Listen(const std::string& address,
                                                                       db::Database& database) {
  ASSIGN_OR_RETURN(auto server, http::Server::Listen(OptionsFor(address), [&database](const Request& request) {
                     return Answer(database, request);
                   }));
  return std::unique_ptr<PublicRegister>(new PublicRegister(std::move(server)));
}

void PublicRegister::Start() {
  if (const absl::Status status = server_->Start(); !status.ok()) {
    base::Log(base::Severity::kError, "the public register cannot listen",
              {{"error", std::string_view(status.message().data(), status.message().size())}});
    return;
  }
  base::Log(base::Severity::kInfo, "public register listening", {{"address", server_->address()}});
}

void PublicRegister::Stop() { server_->Stop(); }

int PublicRegister::port() const { return server_->port(); }

std::string PublicRegister::url() const { return fmt::format("http://{}", server_->address()); }

}  // namespace section55::publication
