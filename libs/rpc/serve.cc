#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "libs/base/audit.h"
#include "libs/base/ids.h"
#include "libs/base/limits.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/rpc/peer.h"
#include "libs/rpc/server_impl.h"
#include "libs/rpc/tls.h"

namespace section55::rpc {
namespace {

using access::Identity;

constexpr char kRequestId[] = "x-request-id";
constexpr char kAuthorization[] = "authorization";
constexpr char kTestService[] = "x-test-service";
constexpr size_t kMaxRequestIdSize = 128;
// With less time left than this an answer would come too late, but its work would be done.
constexpr absl::Duration kLeastTime = absl::Milliseconds(2);
// However long a caller is ready to wait: somebody who reads byte by byte must not keep a handler for a day.
constexpr absl::Duration kLongestStream = absl::Minutes(10);
// A service calls for many people.
constexpr int kServicesMore = 4;
// Under what callers' pings, and ours, are waited for.
constexpr absl::Duration kLongestPause = absl::Seconds(1);
constexpr char kPublicDetails[] = "type.googleapis.com/google.rpc.";

std::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

// Goes into logs, events and other services' metadata: nothing but what is harmless in all of them.
bool IsRequestId(std::string_view text) {
  const auto harmless = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == ':' || c == '-';
  };
  return !text.empty() && text.size() <= kMaxRequestIdSize && std::all_of(text.begin(), text.end(), harmless);
}

std::string RequestIdOf(const grpc::ServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(kRequestId);
  return found != metadata.end() && IsRequestId(View(found->second)) ? std::string(View(found->second))
                                                                     : base::NewUuid();
}

std::shared_ptr<const Identity> ServiceNamed(std::string_view name) {
  auto identity = std::make_shared<Identity>();
  identity->kind = Identity::Kind::kService;
  identity->actor = fmt::format("services/{}", name);
  return identity;
}

absl::Status Unauthenticated(std::string_view message) {
  return base::Error(absl::StatusCode::kUnauthenticated, "UNAUTHENTICATED", message);
}

// The token of "Bearer TOKEN"; nothing when it is something else.
std::string_view TokenOf(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  const bool bearer = header.size() > kScheme.size() &&
                      std::equal(kScheme.begin(), kScheme.end(), header.begin(),
                                 [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
  return bearer ? header.substr(kScheme.size()) : std::string_view();
}

// What was said of our insides, for whoever reads the log: payloads that are no part of the answer.
std::string InsidesOf(const absl::Status& status) {
  std::string insides;
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    if (!absl::StartsWith(type, kPublicDetails)) {
      insides.append(insides.empty() ? "" : "; ").append(std::string(payload));
    }
  });
  return insides;
}

// Our own faults go out as one sentence that says nothing of our insides; the log has the rest under the error id.
absl::Status HideInsides(const absl::Status& status, std::string_view method, std::string_view request_id) {
  if (status.ok()) {
    return status;
  }
  const std::string insides = InsidesOf(status);
  if (!absl::IsInternal(status) && !absl::IsUnknown(status) && !absl::IsDataLoss(status)) {
    if (!insides.empty()) {
      base::Log(base::Severity::kWarning, "trouble behind a call",
                {{"request_id", request_id},
                 {"method", method},
                 {"error", std::string_view(status.message().data(), status.message().size())},
                 {"detail", insides}});
    }
    return status;
  }
  const std::string error_id = base::NewUuid();
  base::Log(base::Severity::kError, "internal error",
            {{"error_id", error_id},
             {"request_id", request_id},
             {"method", method},
             {"error", status.ToString(absl::StatusToStringMode::kWithNoExtraData)},
             {"detail", insides}});
  const bool is_damage = absl::IsDataLoss(status);
  return base::Error(is_damage ? absl::StatusCode::kDataLoss : absl::StatusCode::kInternal,
                     is_damage ? "DATA_LOSS" : "INTERNAL",
                     fmt::format("something went wrong on our side; tell your operator the error id {}", error_id),
                     {{"error_id", error_id}});
}

// Whether a method is for operators and the other services: what a service that is being put right needs.
bool IsForThePlatform(const access::Policy::Method& method) {
  const std::string& package = method.descriptor->file()->package();
  return package == "section55.admin.v1" || package == "section55.common.v1";
}

absl::Status TooOften() {
  return base::Error(absl::StatusCode::kResourceExhausted, "RATE_LIMITED", "too many calls a second; wait a little");
}

// What Call::cancelled and Call::keep look at: a pointer or two in a function, so that making it allocates nothing.
struct Waiting {
  const grpc::ServerContext& context;
  const std::atomic<bool>& draining;
  absl::Time deadline;
};
struct Keeping {
  const Identity& caller;
  std::string_view tenant;
};

}  // namespace

bool Server::Impl::Streams(const Entry& entry) {
  return entry.method->descriptor->server_streaming() || entry.method->descriptor->client_streaming();
}

absl::Status Server::Impl::CheckServing(const Entry& entry, Kind kind) {
  if (draining) {
    return base::Error(absl::StatusCode::kUnavailable, "NOT_SERVING", "the server is stopping");
  }
  if (!serving && kind != Kind::kAlways) {
    absl::MutexLock lock(&mutex);
    const bool lets_in = base::ErrorInfoOf(not_serving).reason() == kRecovering && IsForThePlatform(*entry.method);
    return lets_in ? absl::OkStatus() : not_serving;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Identity>> Server::Impl::WhoCalls(const grpc::ServerContext& context) const {
  const auto& metadata = context.client_metadata();
  if (const auto count = metadata.count(kAuthorization); count > 0) {
    // Who brings a token is that person, even over the connection of a service: it acts for them.
    const std::string_view token = TokenOf(View(metadata.find(kAuthorization)->second));
    if (count > 1 || token.empty()) {
      return Unauthenticated("the authorization metadata must be one \"Bearer TOKEN\"");
    }
    if (tokens == nullptr) {
      return Unauthenticated("this server takes no bearer tokens: it was started without --jwks");
    }
    return tokens->Verify(token, absl::Now());
  }
  if (options.listen.empty()) {
    if (const auto name = metadata.find(kTestService); name != metadata.end()) {
      return ServiceNamed(View(name->second));
    }
  } else if (const std::string name = ServiceNameOf(*context.auth_context()); !name.empty()) {
    return ServiceNamed(name);
  }
  return Unauthenticated(
      "say who you are: metadata \"authorization: Bearer TOKEN\", or the client certificate of a service of the suite");
}

absl::Status Server::Impl::Admit(OpenCall& open, const Entry& entry, Kind kind, Admitted& admitted) {
  RETURN_IF_ERROR(CheckServing(entry, kind));
  const bool waits = kind == Kind::kWaiting;
  const grpc::ServerContext& context = open.context;
  admitted.deadline = absl::InfiniteFuture();
  if (context.deadline() != std::chrono::system_clock::time_point::max()) {
    admitted.deadline = absl::FromChrono(context.deadline());
  } else if (!waits) {
    admitted.deadline = open.started + options.default_deadline;
  }
  if (Streams(entry) && !waits) {
    admitted.deadline = std::min(admitted.deadline, open.started + kLongestStream);
  }
  if (admitted.deadline - open.started < kLeastTime) {
    return base::Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                       "the deadline left no time to do this; nothing was done");
  }
  auto caller = WhoCalls(context);
  if (!caller.ok()) {
    // Nobody in particular: counted by where they are.
    const bool unknown = absl::IsUnauthenticated(caller.status());
    return unknown && !strangers.Take(PeerOf(context.peer()), open.started) ? TooOften() : caller.status();
  }
  admitted.caller = *std::move(caller);
  if (listener != nullptr && stream_limit->IsNewlyKnown(open.connection)) {
    listener->Know(context.peer());
  }
  // Before anything is looked at, so that calls which are refused count as well.
  if (!rate_limit.Take(admitted.caller->actor, open.started)) {
    return TooOften();
  }
  return Enter(open, entry, *admitted.caller);
}

absl::Status Server::Impl::Enter(OpenCall& open, const Entry& entry, const Identity& caller) {
  const bool streams = Streams(entry);
  const OpenCalls::Kind kind = streams ? OpenCalls::Kind::kStream : OpenCalls::Kind::kCall;
  const int factor = caller.kind == Identity::Kind::kService ? kServicesMore : 1;
  const int limit = factor * (streams ? options.max_streams_per_caller : options.max_calls_per_caller);
  if (!open_calls.Enter(caller.actor, kind, limit, open.place)) {
    return base::Error(absl::StatusCode::kResourceExhausted, streams ? "TOO_MANY_STREAMS" : "TOO_MANY_CALLS",
                       fmt::format("you have {} {} open already; end one first", limit, streams ? "streams" : "calls"));
  }
  // Under a name that no caller and no tenant has.
  if (streams && !open_calls.Enter("*", kind, options.max_streams, open.among_streams)) {
    return base::Error(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                       "more streams at once than this server holds; try again a little later");
  }
  return absl::OkStatus();
}

absl::StatusOr<access::Scope> Server::Impl::Authorise(const access::Policy::Method& method,
                                                      const google::protobuf::Message& request,
                                                      std::shared_ptr<const Identity>& caller) {
  if (directory == nullptr || caller->kind != Identity::Kind::kPerson) {
    return policy.Authorise(method, *caller, request, directory);
  }
  const std::shared_ptr<const Identity> bare = caller;
  caller = directory->WithInherited(bare, clock.Now(), /*afresh=*/false);
  absl::StatusOr<access::Scope> scope = policy.Authorise(method, *caller, request, directory);
  if (absl::IsPermissionDenied(scope.status())) {
    // Before anybody is refused: perhaps they have come to hold it just now.
    const size_t held = caller->grants.size();
    caller = directory->WithInherited(bare, clock.Now(), /*afresh=*/true);
    if (caller->grants.size() > held) {
      scope = policy.Authorise(method, *caller, request, directory);
    }
  }
  return scope;
}

absl::Status Server::Impl::EnterTenant(OpenCall& open, const Entry& entry, std::string_view tenant) {
  const bool streams = Streams(entry);
  const OpenCalls::Kind kind = streams ? OpenCalls::Kind::kStream : OpenCalls::Kind::kCall;
  const int limit = streams ? options.max_streams_per_tenant : options.max_calls_per_tenant;
  if (tenant.empty() || open_calls.Enter(tenant, kind, limit, open.of_tenant)) {
    return absl::OkStatus();
  }
  return base::Error(absl::StatusCode::kResourceExhausted,
                     streams ? "TOO_MANY_STREAMS_OF_TENANT" : "TOO_MANY_CALLS_OF_TENANT",
                     fmt::format("the people of {} have {} {} open already; try again a little later", tenant, limit,
                                 streams ? "streams" : "calls"));
}

absl::Status Server::Impl::Pace(OpenCall& open, std::string_view tenant) {
  if (tenant.empty() || rate_of_tenant.per_second() <= 0) {
    return absl::OkStatus();
  }
  double left = 0;
  const bool may = rate_of_tenant.Take(tenant, open.started, 1, &left);
  // Half of what may come at once is kept for those who call over another connection.
  const double short_of = rate_of_tenant.per_second() - left;
  if (listener != nullptr && stream_limit->IsOnlyOf(open.connection, tenant) && short_of > 0) {
    const absl::Duration pause = std::min(kLongestPause, absl::Seconds(short_of / rate_of_tenant.per_second()));
    if (stream_limit->Postpone(open.connection, open.started + pause)) {
      listener->Pause(open.context.peer(), pause);
      Pauses().Increment();
      if (int64_t left_out = 0; slowed.Take(left_out)) {
        base::Log(base::Severity::kWarning, "tenant slowed down",
                  {{"tenant", tenant}, {"peer", open.context.peer()}, {"left_out_before", left_out}});
      }
    }
  }
  return may ? absl::OkStatus()
             : base::Error(absl::StatusCode::kResourceExhausted, "RATE_LIMITED_OF_TENANT",
                           fmt::format("the people of {} make too many calls a second; wait a little", tenant));
}

absl::Status Server::Impl::Keep(const Identity& caller, std::string_view tenant, size_t bytes) {
  const absl::Time now = absl::Now();
  const double amount = static_cast<double>(bytes) / (caller.kind == Identity::Kind::kService ? kServicesMore : 1);
  const bool caller_has_room = kept.Take(caller.actor, now, amount);
  if (caller_has_room && (tenant.empty() || kept_of_tenant.Take(tenant, now, amount))) {
    return absl::OkStatus();
  }
  if (caller_has_room) {
    kept.Take(caller.actor, now, -amount);
  }
  const std::string reason = caller_has_room ? "TOO_MUCH_KEPT_OF_TENANT" : "TOO_MUCH_KEPT";
  CountRefusal(reason);
  return base::Error(
      absl::StatusCode::kResourceExhausted, reason,
      fmt::format("the answers that are kept for repeats of {} take more room than there is; nothing was changed: save "
                  "less often, or without a request_id",
                  caller_has_room ? fmt::format("requests of {}'s people", tenant) : "your requests"));
}

absl::Status Server::Impl::Handle(OpenCall& open, const google::protobuf::Message& request, const Entry& entry,
                                  Kind kind, Admitted& admitted, absl::FunctionRef<absl::Status(Call&)> body) {
  const access::Policy::Method& method = *entry.method;
  const absl::Status let_in = open.refusal.ok() ? Admit(open, entry, kind, admitted) : open.refusal;
  absl::StatusOr<access::Scope> scope =
      let_in.ok() ? Authorise(method, request, admitted.caller) : absl::StatusOr<access::Scope>(let_in);
  std::string_view tenant;
  if (scope.ok()) {
    std::string scratch;
    tenant = admitted.caller->TenantFor(access::Policy::TenantOf(method, request, scratch));
    absl::Status entered = Pace(open, tenant);
    if (entered.ok()) {
      entered = EnterTenant(open, entry, tenant);
    }
    if (!entered.ok()) {
      scope = std::move(entered);
    }
  }
  if (!scope.ok()) {
    CountRefusal(base::ErrorInfoOf(scope.status()).reason());
    return scope.status();
  }
  if (Streams(entry) && admitted.deadline != absl::InfiniteFuture()) {
    // A caller who reads or writes slowly must not make a stream last.
    open.watch.EndWithin(admitted.deadline - open.started);
  }
  const Waiting waiting{open.context, draining, admitted.deadline};
  const Keeping keeping{*admitted.caller, tenant};
  Call call{*admitted.caller,
            *scope,
            admitted.request_id,
            method.full_name,
            clock.Now(),
            admitted.deadline,
            [&waiting] { return waiting.context.IsCancelled() || waiting.draining || absl::Now() >= waiting.deadline; },
            [this, &keeping](size_t bytes) { return Keep(keeping.caller, keeping.tenant, bytes); }};
  try {
    return body(call);
  } catch (const std::exception& error) {
    return absl::InternalError(fmt::format("exception: {}", error.what()));
  } catch (...) {
    return absl::InternalError("an exception of unknown type");
  }
}

void Server::Impl::Record(OpenCall& open, const Entry& entry, const Admitted& admitted,
                          const google::protobuf::Message* request, const absl::Status& status, absl::Duration took) {
  const access::Policy::Method& method = *entry.method;
  const std::string code = absl::StatusCodeToString(status.code());
  if (admitted.caller == nullptr && (absl::IsUnauthenticated(status) || absl::IsResourceExhausted(status))) {
    // Nobody in particular, who could fill a disk with them.
    if (int64_t left_out = 0; refusals.Take(left_out)) {
      base::Log(base::Severity::kWarning, "caller refused",
                {{"request_id", admitted.request_id},
                 {"method", method.full_name},
                 {"peer", open.context.peer()},
                 {"code", code},
                 {"error", std::string_view(status.message().data(), status.message().size())},
                 {"left_out_before", left_out}});
    }
    return;
  }
  std::string scratch;
  const std::string_view actor = admitted.caller == nullptr ? "" : std::string_view(admitted.caller->actor);
  const std::string_view tenant = request == nullptr ? "" : access::Policy::TenantOf(method, *request, scratch);
  base::Log(base::Severity::kInfo, "call",
            {{"request_id", admitted.request_id},
             {"method", method.full_name},
             {"actor", actor},
             {"tenant", tenant},
             {"code", code},
             {"micros", absl::ToInt64Microseconds(took)}});
  if (admitted.caller != nullptr && (method.changes || absl::IsPermissionDenied(status))) {
    std::string resource;
    base::Audit({.request_id = admitted.request_id,
                 .actor = actor,
                 .method = method.full_name,
                 .resource = request == nullptr ? "" : access::Policy::ResourceOf(method, *request, resource),
                 .tenant = tenant,
                 .code = code,
                 .peer = open.context.peer()});
  }
}

grpc::Status Server::Impl::Finish(OpenCall& open, Entry& entry, const Admitted& admitted,
                                  const google::protobuf::Message* request, const absl::Status& status) {
  const absl::Duration took = absl::Now() - open.started;
  entry.metrics.Count(status.code(), took);
  Record(open, entry, admitted, request, status, took);
  // What is left is the library's: to send the answer to a caller who may not read it.
  open.watch.SendWithin(options.longest_send);
  return ToGrpc(status);
}

grpc::Status Server::Impl::Serve(grpc::ServerContext& context, const google::protobuf::Message& request, Kind kind,
                                 absl::FunctionRef<absl::Status(Call&)> body) {
  Admitted admitted;
  admitted.request_id = RequestIdOf(context);
  context.AddInitialMetadata(kRequestId, admitted.request_id);
  const auto found = methods.find(request.GetDescriptor());
  OpenCall* const open = OpenCall::Current();
  if (found == methods.end() || open == nullptr || &open->server != this) {
    // A handler of a service that was not registered: nobody may call it.
    return ToGrpc(HideInsides(absl::InternalError("no access rule for this type of request"),
                              request.GetDescriptor()->full_name(), admitted.request_id));
  }
  Entry& entry = found->second;
  const absl::Status status =
      HideInsides(Handle(*open, request, entry, kind, admitted, body), entry.method->full_name, admitted.request_id);
  return Finish(*open, entry, admitted, &request, status);
}

grpc::Status Server::Impl::Refuse(OpenCall& open, Entry& entry, const absl::Status& why, bool ask) {
  Admitted admitted;
  admitted.request_id = RequestIdOf(open.context);
  open.context.AddInitialMetadata(kRequestId, admitted.request_id);
  absl::Status status = ask ? Admit(open, entry, Kind::kPlain, admitted) : absl::OkStatus();
  if (status.ok()) {
    status = why;
  }
  CountRefusal(base::ErrorInfoOf(status).reason());
  return Finish(open, entry, admitted, nullptr, status);
}

grpc::Status Server::Serve(grpc::ServerContext* context, const google::protobuf::Message& request,
                           absl::FunctionRef<absl::Status(Call&)> body) {
  return impl_->Serve(*context, request, Impl::Kind::kPlain, body);
}

grpc::Status Server::ServeAlways(grpc::ServerContext* context, const google::protobuf::Message& request,
                                 absl::FunctionRef<absl::Status(Call&)> body) {
  return impl_->Serve(*context, request, Impl::Kind::kAlways, body);
}

grpc::Status Server::ServeWaiting(grpc::ServerContext* context, const google::protobuf::Message& request,
                                  absl::FunctionRef<absl::Status(Call&)> body) {
  return impl_->Serve(*context, request, Impl::Kind::kWaiting, body);
}

absl::StatusOr<bool> Server::ReadNext(const google::protobuf::Message& request, absl::FunctionRef<bool()> read) {
  Impl::OpenCall& open = *Impl::OpenCall::Current();
  open.watch.SendWithin(open.server.options.longest_receive);
  const bool came = read();
  open.watch.SendWithin(absl::InfiniteDuration());
  if (came && request.ByteSizeLong() > base::kLargestMessage) {
    return base::Error(absl::StatusCode::kResourceExhausted, "MESSAGE_TOO_LARGE",
                       "a message of the stream is larger than a message may be",
                       {{"largest_bytes", std::to_string(base::kLargestMessage)}});
  }
  return came;
}

}  // namespace section55::rpc
