#include "services/publication/web.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <atomic>
#include <charconv>
#include <optional>
#include <thread>

#include "libs/base/ids.h"
#include "libs/base/log.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/rpc/address.h"
#include "services/publication/assets.h"
#include "services/publication/pages.h"
#include "services/publication/store.h"

namespace section55::publication {
namespace {

constexpr int kPageSize = 50;
// A kept-alive connection holds its thread while it is idle, so there are many, and idleness is short.
constexpr size_t kThreads = 64;
constexpr size_t kRequestsPerConnection = 1000;
constexpr time_t kIdleSeconds = 5;

constexpr char kHtml[] = "text/html; charset=utf-8";
constexpr char kJson[] = "application/json";
constexpr char kCss[] = "text/css; charset=utf-8";
constexpr char kText[] = "text/plain; charset=utf-8";

struct Reply {
  int status = 200;
  const char* type = kHtml;
  std::string body = {};
  std::string etag = {};  // without quotes; empty: none
};

Reply NotFound() { return {404, kHtml, NotFoundPage(), ""}; }

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

absl::StatusOr<Reply> Register(db::Database& database, const httplib::Request& request) {
  store::PublicationQuery query;
  query.limit = kPageSize + 1;
  if (request.has_param("after")) {
    query.after = ReadAfter(request.get_param_value("after"));
    if (!query.after) {
      return NotFound();
    }
  }
  std::vector<v1::PublicationRecord> found;
  RETURN_IF_ERROR(database.Lookup([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(found, store::ListPublications(tx, query));
    return absl::OkStatus();
  }));
  std::string older;
  if (found.size() > kPageSize) {
    found.pop_back();
    older = "/?after=" + WriteAfter(store::PlaceOf(found.back()));
  }
  Reply reply{.body = RegisterPage(found, !query.after, older)};
  reply.etag = base::Sha256Hex(reply.body);
  return reply;
}

absl::StatusOr<Reply> Response(db::Database& database, const store::Key& key, store::Format format) {
  Reply reply{.type = format == v1::GetRenditionRequest::JSON ? kJson : kHtml};
  const absl::Status status = database.Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const v1::PublicationRecord record, store::LoadPublication(tx, key));
    reply.etag = record.content_hash();
    ASSIGN_OR_RETURN(reply.body, store::LoadRendition(tx, key, format));
    return absl::OkStatus();
  });
  if (absl::IsNotFound(status)) {
    return NotFound();
  }
  RETURN_IF_ERROR(status);
  return reply;
}

absl::StatusOr<Reply> Route(db::Database& database, const httplib::Request& request) {
  if (request.path == "/") {
    return Register(database, request);
  }
  if (request.path == "/style.css") {
    static const std::string etag = base::Sha256Hex(assets::kStyle);
    return Reply{200, kCss, std::string(assets::kStyle), etag};
  }
  constexpr std::string_view kJsonEnding = ".json";
  std::string_view path = request.path;
  const bool json = path.ends_with(kJsonEnding);
  if (json) {
    path.remove_suffix(kJsonEnding.size());
  }
  const auto ids = base::ParseName(path, "/responses/{body}/{inspection}");
  if (!ids) {
    return NotFound();
  }
  return Response(database, {(*ids)[0], (*ids)[1]},
                  json ? v1::GetRenditionRequest::JSON : v1::GetRenditionRequest::HTML);
}

// cpp-httplib reads a body only for the methods that usually have one, and takes what is left over for the next request
// of the connection, which behind a proxy may be another reader's. Who sends a body here is answered and hung up on: a
// content provider that says "failed" once everything is written does that.
void HangUpAfter(const httplib::Request& request, httplib::Response& response, std::string text) {
  // For HEAD the library would write no content, ask no provider and keep the connection. The request is its own and
  // not const.
  const_cast<httplib::Request&>(request).method = "GET";
  const size_t size = text.size();
  response.set_header("Connection", "close");
  response.set_content_provider(size, kText,
                                [text = std::move(text)](size_t offset, size_t length, httplib::DataSink& sink) {
                                  sink.write(text.data() + offset, length);
                                  return false;
                                });
}

bool HasBody(const httplib::Request& request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") && request.get_header_value("Content-Length") != "0");
}

void Answer(db::Database& database, const httplib::Request& request, httplib::Response& response) {
  // No script, no frame, no form and nothing from elsewhere: there is nothing on these pages that could need it.
  response.set_header(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  response.set_header("X-Content-Type-Options", "nosniff");
  response.set_header("Referrer-Policy", "no-referrer");
  // Kept, but asked about each time: a new edition is seen at once.
  response.set_header("Cache-Control", "no-cache");
  if (request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.set_header("Allow", "GET, HEAD");
    return HangUpAfter(request, response, "This register can only be read.\n");
  }
  if (HasBody(request)) {
    response.status = 400;
    return HangUpAfter(request, response, "A request to this register has no body.\n");
  }
  if (request.ranges.size() > 1) {
    // A few bytes could otherwise ask for the same page a thousand times over.
    response.status = 416;
    return HangUpAfter(request, response, "Ask for one range at a time.\n");
  }
  absl::StatusOr<Reply> reply = Route(database, request);
  if (!reply.ok()) {
    base::Log(base::Severity::kError, "the register could not answer",
              {{"path", std::string_view(request.path)}, {"error", std::string_view(reply.status().ToString())}});
    reply = Reply{503, kText, "The register cannot answer at the moment. Please try again later.\n", ""};
  }
  if (!reply->etag.empty()) {
    const std::string etag = fmt::format("\"{}\"", reply->etag);
    response.set_header("ETag", etag);
    const std::string known = request.get_header_value("If-None-Match");
    if (known == "*" || known.find(etag) != std::string::npos) {
      response.status = 304;
      return;
    }
  }
  // A status set here would hide that httplib cuts a range out of the body (206).
  if (reply->status != 200) {
    response.status = reply->status;
  }
  response.set_content(reply->body, reply->type);
}

}  // namespace

struct PublicRegister::Impl {
  std::string host;
  int port = 0;
  httplib::Server server;
  std::thread thread;
  std::atomic<bool> ended = false;
};

PublicRegister::PublicRegister() : impl_(std::make_unique<Impl>()) {}
PublicRegister::~PublicRegister() { Stop(); }

absl::StatusOr<std::unique_ptr<PublicRegister>> PublicRegister::Listen(const std::string& address,
                                                                       db::Database& database) {
  RETURN_IF_ERROR(rpc::CheckListen(address));
  std::unique_ptr<PublicRegister> made(new PublicRegister());
  Impl& impl = *made->impl_;
  const size_t colon = address.rfind(':');
  impl.host = address.substr(0, colon);
  std::string bare = impl.host;
  if (bare.size() > 2 && bare.front() == '[') {
    bare = bare.substr(1, bare.size() - 2);
  }
  httplib::Server& server = impl.server;
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(kRequestsPerConnection);
  server.set_keep_alive_timeout(kIdleSeconds);
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  // The library's own choice, SO_REUSEPORT, would let a second process take half of the readers unnoticed.
  server.set_socket_options([](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  // Before the library's own routing, which matches paths by std::regex: recursion as deep as the path is long.
  server.set_pre_routing_handler([&database](const httplib::Request& request, httplib::Response& response) {
    Answer(database, request, response);
    return httplib::Server::HandlerResponse::Handled;
  });
  server.set_exception_handler([](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
    response.status = 500;
    response.set_content("Something went wrong. Please try again later.\n", kText);
  });

  impl.port = std::stoi(address.substr(colon + 1));  // digits: CheckListen has looked
  const bool bound =
      impl.port == 0 ? (impl.port = server.bind_to_any_port(bare)) > 0 : server.bind_to_port(bare, impl.port);
  if (!bound) {
    return absl::UnavailableError(fmt::format("cannot listen on {}", address));
  }
  return made;
}

void PublicRegister::Start() {
  impl_->thread = std::thread([impl = impl_.get()] {
    impl->server.listen_after_bind();
    impl->ended = true;
  });
  // The library ignores a stop that comes before it runs, and offers nothing to wait on.
  while (!impl_->server.is_running() && !impl_->ended) {
    std::this_thread::yield();
  }
  base::Log(base::Severity::kInfo, "public register listening",
            {{"address", fmt::format("{}:{}", impl_->host, impl_->port)}});
}

void PublicRegister::Stop() {
  if (impl_->thread.joinable()) {
    impl_->server.stop();
    impl_->thread.join();
  }
}

int PublicRegister::port() const { return impl_->port; }

std::string PublicRegister::url() const { return fmt::format("http://{}:{}", impl_->host, impl_->port); }

}  // namespace section55::publication
