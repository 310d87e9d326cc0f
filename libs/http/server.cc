#include "libs/http/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <vector>

#include "libs/base/address.h"
#include "libs/base/files.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/http/answer.h"
#include "libs/http/connections.h"
#include "libs/http/fields.h"
#include "libs/http/target.h"
#include "libs/http/unix_socket.h"

namespace section55::http {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(5);

std::string PeerOf(MHD_Connection* connection) {
  const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  char text[INET6_ADDRSTRLEN] = "";
  if (info != nullptr && info->client_addr->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(info->client_addr)->sin_addr, text, sizeof(text));
  } else if (info != nullptr && info->client_addr->sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(info->client_addr)->sin6_addr, text, sizeof(text));
  }
  return text;
}

Connection* ConnectionOf(MHD_Connection* connection) {
  const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info == nullptr ? nullptr : static_cast<Connection*>(info->socket_context);
}

Fields HeadersOf(MHD_Connection* connection) {
  Fields headers;
  const MHD_KeyValueIteratorN add = [](void* to, MHD_ValueKind, const char* key, size_t key_size, const char* value,
                                       size_t value_size) {
    static_cast<Fields*>(to)->emplace_back(
        ToLower({key, key_size}), Trim(value == nullptr ? std::string_view() : std::string_view(value, value_size)));
    return MHD_YES;
  };
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, add, &headers);
  return headers;
}

bool IsTokenCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsControl(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

// Why a request with these headers is not answered; empty: it is. What announces a body is refused, and what somebody between the client
// and us may have understood otherwise: "Content-Length : 5", a lone carriage return.
std::string Objection(const Fields& headers) {
  for (const auto& [name, value] : headers) {
    if (name == "transfer-encoding" || (name == "content-length" && value != "0")) {
      return "A request to read has no body.";
    }
    if (!std::all_of(name.begin(), name.end(), IsTokenCharacter) ||
        std::any_of(value.begin(), value.end(), IsControl)) {
      return "The headers of this request cannot be read.";
    }
  }
  return "";
}

bool IsReading(const Request& request) { return request.method == "GET" || request.method == "HEAD"; }

Answer Refusal(int status, std::string sentence) {
  Answer answer{.status = status, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}};
  answer.body = std::make_shared<const std::string>(std::move(sentence) + "\n");
  answer.length = answer.body->size();
  return answer;
}

Answer NotReading() {
  Answer refusal = Refusal(MHD_HTTP_METHOD_NOT_ALLOWED, "This can only be read.");
  refusal.headers.emplace_back("Allow", "GET, HEAD");
  return refusal;
}

// What libmicrohttpd keeps for us while a request is read and answered.
struct Exchange {
  std::string target;  // as it was sent
  bool looked_at = false;
};

}  // namespace

struct Server::Impl {
  Impl(Options its_options, Handler its_handler)
      : options(std::move(its_options)),
        handler(std::move(its_handler)),
        files(options.most_connections),
        connections(options.slowest_request, options.slowest_answer),
        forms(options.most_compressed_bytes) {}

  // What libmicrohttpd calls, in the order of a request. `self` is the Impl.
  static void OnConnection(void* self, MHD_Connection* connection, void** context, MHD_ConnectionNotificationCode what);
  static void* OnTarget(void* self, const char* target, MHD_Connection* connection);
  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* url, const char* method,
                              const char* version, const char* body, size_t* body_size, void** context);
  static void OnAnswered(void* self, MHD_Connection* connection, void** context, MHD_RequestTerminationCode code);

  MHD_Result Serve(MHD_Connection* connection, const char* method, Exchange& exchange);
  Answer Decide(Request request, std::string_view target);
  Response Handle(const Request& request);
  MHD_Result Send(MHD_Connection* connection, const Answer& answer, bool hang_up);

  const Options options;
  const Handler handler;
  const base::FileShare files;
  // Takes the address.
  absl::StatusOr<int> Bind() { return socket_path ? ListenOnUnixSocket(*socket_path) : base::ListenOn(bound); }

  std::optional<std::string> socket_path;
  base::HostPort bound;  // unless it is a Unix socket
  int listener = -1;     // until the daemon has it
  MHD_Daemon* daemon = nullptr;
  std::atomic<bool> stopping = false;
  Connections connections;
  SharedBodies bodies;
  CompressedForms forms;
};

void Server::Impl::OnConnection(void* self, MHD_Connection* connection, void** context,
                                MHD_ConnectionNotificationCode what) {
  Connections& connections = static_cast<Impl*>(self)->connections;
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *context = connections.Open(info->connect_fd, absl::Now());
  } else if (*context != nullptr) {
    connections.Close(static_cast<Connection*>(*context));
    *context = nullptr;
  }
}

void* Server::Impl::OnTarget(void*, const char* target, MHD_Connection*) {
  return new Exchange{.target = target};  // OnAnswered deletes it
}

MHD_Result Server::Impl::OnRequest(void* self, MHD_Connection* connection, const char*, const char* method, const char*,
                                   const char*, size_t*, void** context) {
  try {
    return static_cast<Impl*>(self)->Serve(connection, method, *static_cast<Exchange*>(*context));
  } catch (const std::exception& e) {  // memory: nothing may fly through a library in C
    base::Log(base::Severity::kError, "a request could not be answered", {{"error", std::string_view(e.what())}});
    return MHD_NO;  // hangs up
  }
}

MHD_Result Server::Impl::Serve(MHD_Connection* connection, const char* method, Exchange& exchange) {
  Request request{.method = method, .headers = HeadersOf(connection), .peer = PeerOf(connection)};
  // libmicrohttpd calls once when the headers are there and once when all is. Answered the first time, it reads no further and closes
  // the connection: right for what is refused unread, and for nothing else.
  if (!exchange.looked_at) {
    exchange.looked_at = true;
    const std::string objection = Objection(request.headers);
    if (objection.empty()) {
      return MHD_YES;
    }
    connections.Answering(ConnectionOf(connection), absl::Now());
    return Send(connection, IsReading(request) ? Refusal(MHD_HTTP_BAD_REQUEST, objection) : NotReading(),
                /*hang_up=*/true);
  }
  connections.Answering(ConnectionOf(connection), absl::Now());
  const Answer answer = Decide(std::move(request), exchange.target);
  return Send(connection, answer, stopping);
}

void Server::Impl::OnAnswered(void* self, MHD_Connection* connection, void** context, MHD_RequestTerminationCode) {
  delete static_cast<Exchange*>(*context);
  *context = nullptr;
  if (Connection* const its = ConnectionOf(connection)) {
    static_cast<Impl*>(self)->connections.Answered(its, absl::Now());
  }
}

Answer Server::Impl::Decide(Request request, std::string_view target) {
  if (!IsReading(request)) {
    return NotReading();
  }
  if (!ReadTarget(target, request)) {
    return Refusal(MHD_HTTP_BAD_REQUEST, "This address cannot be read.");
  }
  return AnswerTo(request, Handle(request), bodies, forms);
}

Response Server::Impl::Handle(const Request& request) {
  std::string thrown;
  try {
    return handler(request);
  } catch (const std::exception& e) {
    thrown = e.what();
  } catch (...) {
    thrown = "something unknown";
  }
  base::Log(base::Severity::kError, "a web page failed", {{"path", std::string_view(request.path)}, {"error", thrown}});
  return {.status = MHD_HTTP_INTERNAL_SERVER_ERROR,
          .body = std::make_shared<const std::string>("Something went wrong. Please try again later.\n")};
}

MHD_Result Server::Impl::Send(MHD_Connection* connection, const Answer& answer, bool hang_up) {
  using Body = std::shared_ptr<const std::string>;
  auto owner = std::make_unique<Body>(answer.body);
  MHD_Response* const response = MHD_create_response_from_buffer_with_free_callback_cls(
      answer.length, const_cast<char*>((*owner)->data() + answer.offset),  // libmicrohttpd reads it only
      [](void* body) { delete static_cast<Body*>(body); }, owner.get());
  if (response == nullptr) {
    return MHD_NO;
  }
  owner.release();
  for (const Fields* headers : {&options.headers, &answer.headers}) {
    for (const auto& [name, value] : *headers) {
      MHD_add_response_header(response, name.c_str(), value.c_str());
    }
  }
  if (hang_up) {
    MHD_add_response_header(response, "Connection", "close");
  }
  const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);
  return queued;
}

Server::Server() = default;
Server::~Server() {
  Stop();
  if (impl_ != nullptr && impl_->listener >= 0) {
    close(impl_->listener);
  }
}

absl::StatusOr<std::unique_ptr<Server>> Server::Listen(Options options, Handler handler) {
  std::unique_ptr<Server> made(new Server());
  made->impl_ = std::make_unique<Impl>(std::move(options), std::move(handler));
  Impl& impl = *made->impl_;
  impl.socket_path = UnixSocketPath(impl.options.address);
  if (!impl.socket_path) {
    ASSIGN_OR_RETURN(impl.bound, base::ReadHostPort(impl.options.address));
  }
  ASSIGN_OR_RETURN(impl.listener, impl.Bind());
  if (!impl.socket_path) {
    impl.bound.port = base::PortOf(impl.listener);
  }
  return made;
}

absl::Status Server::Start() {
  Impl& impl = *impl_;
  if (impl.daemon != nullptr) {
    return absl::OkStatus();
  }
  if (impl.listener < 0) {
    ASSIGN_OR_RETURN(impl.listener, impl.Bind());
  }
  impl.stopping = false;
  const Options& options = impl.options;
  // Decoding is done in target.cc, once and with its own rules.
  const auto leave_escapes = [](void*, MHD_Connection*, char* text) { return std::char_traits<char>::length(text); };
  unsigned flags = static_cast<unsigned>(MHD_USE_EPOLL_INTERNAL_THREAD) | MHD_USE_ITC;
  if (impl.bound.host.starts_with('[')) {
    flags |= MHD_USE_IPv6;
  }
  impl.daemon = MHD_start_daemon(
      flags, 0, nullptr, nullptr, &Impl::OnRequest, &impl,                                                           //
      MHD_OPTION_LISTEN_SOCKET, impl.listener,                                                                       //
      MHD_OPTION_THREAD_POOL_SIZE, static_cast<unsigned>(std::max(options.threads, 2)),                              //
      MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(impl.files.files()),                                        //
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, static_cast<unsigned>(options.most_connections_per_peer),                  //
      MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(absl::ToInt64Seconds(options.idle)),                      //
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, options.most_header_bytes,                                                 //
      MHD_OPTION_STRICT_FOR_CLIENT, 1,                                                                               //
      MHD_OPTION_URI_LOG_CALLBACK, &Impl::OnTarget, &impl,                                                           //
      MHD_OPTION_UNESCAPE_CALLBACK, static_cast<size_t (*)(void*, MHD_Connection*, char*)>(leave_escapes), nullptr,  //
      MHD_OPTION_NOTIFY_CONNECTION, &Impl::OnConnection, &impl,                                                      //
      MHD_OPTION_NOTIFY_COMPLETED, &Impl::OnAnswered, &impl,                                                         //
      MHD_OPTION_END);
  if (impl.daemon == nullptr) {
    return absl::UnavailableError(fmt::format("cannot serve {}", address()));
  }
  return absl::OkStatus();
}

void Server::Stop() {
  if (impl_ == nullptr || impl_->daemon == nullptr) {
    return;
  }
  impl_->stopping = true;
  const MHD_socket listener = MHD_quiesce_daemon(impl_->daemon);
  if (listener != MHD_INVALID_SOCKET) {
    close(listener);
  }
  impl_->listener = -1;
  impl_->connections.AwaitAnswers(kGrace);
  MHD_stop_daemon(impl_->daemon);
  impl_->daemon = nullptr;
}

int Server::port() const { return impl_->bound.port; }

std::string Server::address() const {
  if (impl_->socket_path) {
    return impl_->options.address;
  }
  return fmt::format("{}:{}", impl_->bound.host, impl_->bound.port);
}

}  // namespace section55::http
