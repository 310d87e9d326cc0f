#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <string_view>

#include "absl/cleanup/cleanup.h"
#include "absl/time/clock.h"
#include "libs/base/ids.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
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

// Our own faults go out as one sentence that says nothing of our insides; the log has the rest under the error id.
absl::Status HideFault(const absl::Status& status, std::string_view method, std::string_view request_id) {
  if (!absl::IsInternal(status) && !absl::IsUnknown(status) && !absl::IsDataLoss(status)) {
    return status;
  }
  const std::string error_id = base::NewUuid();
  base::Log(base::Severity::kError, "internal error",
            {{"error_id", error_id}, {"request_id", request_id}, {"method", method}, {"error", status.ToString()}});
  return base::Error(absl::StatusCode::kInternal, "INTERNAL",
                     fmt::format("something went wrong on our side; tell your operator the error id {}", error_id),
                     {{"error_id", error_id}});
}

// What Call::cancelled looks at. One pointer in the function, so that making it allocates nothing.
struct Waiting {
  const grpc::ServerContext& context;
  const std::atomic<bool>& draining;
  absl::Time deadline;
};

}  // namespace

absl::Status Server::Impl::CheckServing() {
  if (draining) {
    return base::Error(absl::StatusCode::kUnavailable, "NOT_SERVING", "the server is stopping");
  }
  if (!serving) {
    absl::MutexLock lock(&mutex);
    return not_serving;
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

absl::Status Server::Impl::Handle(grpc::ServerContext& context, const google::protobuf::Message& request,
                                  const Entry& entry, const std::string& request_id, absl::Time started,
                                  std::shared_ptr<const Identity>& caller,
                                  absl::FunctionRef<absl::Status(Call&)> body) {
  RETURN_IF_ERROR(CheckServing());
  const access::Policy::Method& method = *entry.method;
  absl::Time deadline = absl::InfiniteFuture();
  if (context.deadline() != std::chrono::system_clock::time_point::max()) {
    deadline = absl::FromChrono(context.deadline());
  } else if (!method.descriptor->server_streaming()) {
    deadline = started + options.default_deadline;
  }
  if (deadline - started < kLeastTime) {
    return base::Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                       "the deadline left no time to do this; nothing was done");
  }
  ASSIGN_OR_RETURN(caller, WhoCalls(context));
  ASSIGN_OR_RETURN(const access::Scope scope, policy.Authorise(method, *caller, request, directory));
  if (!rate_limit.Take(caller->actor, started)) {
    return base::Error(absl::StatusCode::kResourceExhausted, "RATE_LIMITED",
                       fmt::format("more than {} calls a second; wait a little", options.calls_per_second_per_caller));
  }
  const Waiting waiting{context, draining, deadline};
  Call call{*caller, scope, request_id, method.full_name, clock.Now(), [&waiting] {
              return waiting.context.IsCancelled() || waiting.draining || absl::Now() >= waiting.deadline;
            }};
  try {
    return body(call);
  } catch (const std::exception& error) {
    return absl::InternalError(fmt::format("exception: {}", error.what()));
  } catch (...) {
    return absl::InternalError("an exception of unknown type");
  }
}

grpc::Status Server::Serve(grpc::ServerContext* context, const google::protobuf::Message& request,
                           absl::FunctionRef<absl::Status(Call&)> body) {
  const absl::Time started = absl::Now();
  const InFlight in_flight;
  ++impl_->running;
  const absl::Cleanup leave = [this] {
    if (--impl_->running == 0 && impl_->draining) {
      absl::MutexLock lock(&impl_->mutex);
    }
  };
  const std::string request_id = RequestIdOf(*context);
  context->AddInitialMetadata(kRequestId, request_id);
  const auto found = impl_->methods.find(request.GetDescriptor());
  if (found == impl_->methods.end()) {
    // A handler of a service that was not registered: nobody may call it.
    return ToGrpc(HideFault(absl::InternalError("no access rule for this type of request"),
                            request.GetDescriptor()->full_name(), request_id));
  }
  Impl::Entry& entry = found->second;
  std::shared_ptr<const Identity> caller;
  const absl::Status status = HideFault(impl_->Handle(*context, request, entry, request_id, started, caller, body),
                                        entry.method->full_name, request_id);

  const absl::Duration took = absl::Now() - started;
  entry.metrics.Count(status.code(), took);
  std::string scratch;
  base::Log(base::Severity::kInfo, "call",
            {{"request_id", request_id},
             {"method", entry.method->full_name},
             {"actor", caller == nullptr ? std::string_view() : std::string_view(caller->actor)},
             {"tenant", access::Policy::TenantOf(*entry.method, request, scratch)},
             {"code", absl::StatusCodeToString(status.code())},
             {"micros", absl::ToInt64Microseconds(took)}});
  return ToGrpc(status);
}

}  // namespace section55::rpc
