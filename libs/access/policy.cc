#include "libs/access/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/base/ids.h"
#include "libs/base/status.h"

namespace section55::access {
namespace {

using common::v1::AccessRule;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr std::string_view kServices = "services/";
constexpr std::string_view kBodies = "bodies/";
constexpr std::string_view kAllBodies = "bodies/-";

absl::StatusOr<std::vector<const FieldDescriptor*>> FindTenant(const MethodDescriptor& method, std::string_view path) {
  std::vector<const FieldDescriptor*> fields;
  const Descriptor* message = method.input_type();
  while (true) {
    const size_t dot = path.find('.');
    const FieldDescriptor* field =
        message == nullptr ? nullptr : message->FindFieldByName(std::string(path.substr(0, dot)));
    if (field == nullptr || field->is_repeated()) {
      break;
    }
    fields.push_back(field);
    message = field->message_type();
    if (dot == std::string_view::npos) {
      if (field->type() == FieldDescriptor::TYPE_STRING) {
        return fields;
      }
      break;
    }
    path.remove_prefix(dot + 1);
  }
  return absl::InternalError(fmt::format("{}: the tenant path leads to no text field", method.full_name()));
}

// Whether the verb that the method's name begins with only reads (AIP-130 and what follows it).
bool Reads(std::string_view method) {
  constexpr std::string_view kVerbs[] = {"Get",  "List",   "Check", "Explain", "Follow", "Compare",
                                         "Find", "Search", "Watch", "Preview", "Export", "Normalise"};
  return std::any_of(std::begin(kVerbs), std::end(kVerbs), [&](std::string_view verb) {
    const std::string_view rest = method.starts_with(verb) ? method.substr(verb.size()) : "a";
    return rest.empty() || rest.front() < 'a' || rest.front() > 'z';
  });
}

// The same words whoever is refused and whatever exists.
absl::Status DeniedBy(const std::string& method, const AccessRule& rule) {
  std::string roles;
  for (int i = 0; i < rule.roles_size(); ++i) {
    const Role role = rule.roles(i);
    constexpr std::string_view kWhere[] = {" of the body", " of the force", ""};
    roles += fmt::format("{}{}{}", i == 0 ? "" : ", ", ClaimOf(role), kWhere[static_cast<int>(ReachOf(role))]);
  }
  return base::Error(absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED",
                     rule.roles().empty() ? fmt::format("{} is for services of the suite only", method)
                                          : fmt::format("{} needs one of these roles: {}", method, roles));
}

const std::string& TextAt(const std::vector<const FieldDescriptor*>& path, const Message& request,
                          std::string& scratch) {
  const Message* message = &request;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    message = &message->GetReflection()->GetMessage(*message, path[i]);
  }
  return message->GetReflection()->GetStringReference(*message, path.back(), &scratch);
}

}  // namespace

Scope::View Scope::Of(std::string_view body, std::string_view force) const {
  if (everything || std::find(bodies.begin(), bodies.end(), body) != bodies.end()) {
    return View::kBody;
  }
  return std::find(forces.begin(), forces.end(), force) != forces.end() ? View::kForce : View::kNone;
}

absl::StatusOr<Policy> Policy::Compile(const std::vector<const google::protobuf::ServiceDescriptor*>& services) {
  Policy policy;
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor& descriptor = *service->method(i);
      auto method = std::make_unique<Method>();
      method->descriptor = &descriptor;
      method->full_name = fmt::format("{}/{}", service->full_name(), descriptor.name());
      method->rule = descriptor.options().GetExtension(common::v1::access);
      method->changes = !Reads(descriptor.name());
      const AccessRule& rule = method->rule;
      if (!descriptor.options().HasExtension(common::v1::access)) {
        return absl::InternalError(fmt::format("{} has no access rule", method->full_name));
      }
      bool granted_on_tenant = false;
      for (const int role : rule.roles()) {
        if (ClaimOf(static_cast<Role>(role)).empty()) {
          return absl::InternalError(fmt::format("{}: the access rule names an unknown role", method->full_name));
        }
        granted_on_tenant |= ReachOf(static_cast<Role>(role)) != Reach::kNational;
      }
      if (rule.roles().empty() && rule.services().empty() && !rule.any_caller()) {
        return absl::InternalError(fmt::format("{}: the access rule grants nothing", method->full_name));
      }
      if (granted_on_tenant && rule.tenant().empty()) {
        return absl::InternalError(fmt::format("{}: a role on a body or force needs a tenant path", method->full_name));
      }
      if (descriptor.client_streaming() && !rule.tenant().empty()) {
        return absl::InternalError(fmt::format(
            "{}: who may send a stream of requests is decided before the first is read, so no tenant can be in it",
            method->full_name));
      }
      if (rule.across_bodies() && !granted_on_tenant) {
        return absl::InternalError(
            fmt::format("{}: a list across bodies is for roles on bodies or forces", method->full_name));
      }
      if (!rule.tenant().empty()) {
        ASSIGN_OR_RETURN(method->tenant_path, FindTenant(descriptor, rule.tenant()));
      }
      method->denied = DeniedBy(method->full_name, rule);
      if (!policy.methods_.emplace(descriptor.input_type(), std::move(method)).second) {
        return absl::InternalError(fmt::format("{} shares its request type {} with another method",
                                               descriptor.full_name(), descriptor.input_type()->full_name()));
      }
    }
  }
  return policy;
}

void Policy::Narrow(std::string_view service, const std::vector<std::string>& callers) {
  for (const auto& [type, method] : methods_) {
    if (method->descriptor->service()->full_name() != service) {
      continue;
    }
    auto& named = *method->rule.mutable_services();
    named.erase(std::remove_if(named.begin(), named.end(),
                               [&](const std::string& name) {
                                 return std::find(callers.begin(), callers.end(), name) == callers.end();
                               }),
                named.end());
  }
}

const Policy::Method* Policy::Find(const Descriptor* request_type) const {
  const auto found = methods_.find(request_type);
  return found == methods_.end() ? nullptr : found->second.get();
}

std::string_view Policy::TenantOf(const Method& method, const Message& request, std::string& scratch) {
  if (method.tenant_path.empty()) {
    return "";
  }
  const std::string_view name = TextAt(method.tenant_path, request, scratch);
  const size_t first = name.find('/');
  if (first == std::string_view::npos) {
    return "";
  }
  const std::string_view collection = name.substr(0, first);
  const std::string_view tenant = name.substr(0, name.find('/', first + 1));
  const std::string_view id = tenant.substr(first + 1);
  const bool known = collection == "bodies" || collection == "forces";
  return known && (id == "-" || base::IsResourceId(id)) ? tenant : "";
}

std::string_view Policy::ResourceOf(const Method& method, const Message& request, std::string& scratch) {
  if (!method.tenant_path.empty()) {
    return TextAt(method.tenant_path, request, scratch);
  }
  for (const char* field : {"name", "parent"}) {
    const FieldDescriptor* const found = request.GetDescriptor()->FindFieldByName(field);
    if (found != nullptr && found->type() == FieldDescriptor::TYPE_STRING && !found->is_repeated()) {
      return TextAt({found}, request, scratch);
    }
  }
  return "";
}

absl::StatusOr<Scope> Policy::Authorise(const Method& method, const Identity& caller, const Message& request,
                                        TenantDirectory* directory) const {
  const AccessRule& rule = method.rule;
  Scope everything;
  everything.everything = true;
  if (rule.any_caller()) {
    return everything;
  }
  if (caller.kind == Identity::Kind::kService) {
    const std::string_view actor = caller.actor;
    const bool named = actor.starts_with(kServices) &&
                       std::find(rule.services().begin(), rule.services().end(), actor.substr(kServices.size())) !=
                           rule.services().end();
    return named ? absl::StatusOr<Scope>(everything) : method.denied;
  }
  const auto allowed = [&](const Grant& grant, Reach reach) {
    return ReachOf(grant.role) == reach &&
           std::find(rule.roles().begin(), rule.roles().end(), grant.role) != rule.roles().end();
  };
  Scope scope;
  for (const Grant& grant : caller.grants) {
    if (allowed(grant, Reach::kNational)) {
      return everything;
    }
    if (allowed(grant, Reach::kBody)) {
      scope.bodies.push_back(grant.on);
    } else if (allowed(grant, Reach::kForce)) {
      scope.forces.push_back(grant.on);
    }
  }
  if (scope.bodies.empty() && scope.forces.empty()) {
    return method.denied;
  }

  std::string scratch;
  const std::string_view tenant = TenantOf(method, request, scratch);
  if (tenant.empty()) {
    base::Violations violations;
    violations.Add(rule.tenant(), "must be a resource name that begins with bodies/ID or forces/ID");
    return violations.ToStatus();
  }
  if (tenant == kAllBodies && rule.across_bodies()) {
    return scope;
  }
  // From here on the scope is this tenant's only.
  const auto keep = [](std::vector<std::string>& held, std::string_view one) {
    const bool found = std::find(held.begin(), held.end(), one) != held.end();
    held = found ? std::vector<std::string>{std::string(one)} : std::vector<std::string>();
  };
  keep(scope.bodies, tenant);
  if (!tenant.starts_with(kBodies) || tenant == kAllBodies || scope.forces.empty() || directory == nullptr) {
    keep(scope.forces, tenant);
  } else {
    const absl::StatusOr<std::string> force = directory->ForceOf(tenant);
    if (!force.ok() && !absl::IsNotFound(force.status())) {
      return force.status();
    }
    keep(scope.forces, force.ok() ? std::string_view(*force) : std::string_view());
  }
  return scope.bodies.empty() && scope.forces.empty() ? absl::StatusOr<Scope>(method.denied) : scope;
}

}  // namespace section55::access
