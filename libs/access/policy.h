// Who may call what: the access rules of the protos, compiled once at start.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "libs/access/identity.h"

namespace section55::access {

// Which force a body holds to account, for calls by a force's people, and what comes in whose place. Implemented by the services that serve forces.
// Thread-safe.
class TenantDirectory {
 public:
  virtual ~TenantDirectory() = default;
  // "bodies/norfolk-pcc" -> "forces/norfolk"; NOT_FOUND for an unknown body.
  virtual absl::StatusOr<std::string> ForceOf(std::string_view body) = 0;
  // The caller with the grants that those held bring with them at `now`: what is granted on a body or force is good for what has come in
  // its place. The caller itself where that is nothing. It may be known for a second; `afresh`: looked at anew.
  virtual std::shared_ptr<const Identity> WithInherited(std::shared_ptr<const Identity> caller, absl::Time now,
                                                        bool afresh) {
    return caller;
  }
};

// What the caller may see in this call.
struct Scope {
  // Everything the method offers: a service, a national role, or a method open to any caller.
  bool everything = false;
  // Otherwise the bodies whose resources the caller may see, by roles of this rule granted on bodies: in a list across bodies
  // ("bodies/-") all of them, else the tenant of the request or nothing ...
  std::vector<std::string> bodies;
  // ... and likewise the forces, by roles of this rule granted on forces: the bodies that hold them to account are seen.
  std::vector<std::string> forces;
  // How the caller may see what belongs to a body, and to the force that it holds to account: as the body's own people, as the force's
  // (what the force was asked and what it said), or not at all. To be asked of every row: somebody may hold a role on one body and
  // another on a second body's force. Names with their collection, "bodies/norfolk-pcc", "forces/norfolk".
  enum class View { kNone, kForce, kBody };
  View Of(std::string_view body, std::string_view force) const;
};

// One method's rule.
class Policy {
 public:
  struct Method {
    std::string full_name;  // "section55.authoring.v1.ResponseAuthoring/GetResponse"
    common::v1::AccessRule rule;
    std::vector<const google::protobuf::FieldDescriptor*> tenant_path;
    // Whether it changes something, as its verb says: what does not read (Get, List, Find, Export and the like, see policy.cc) does.
    bool changes = true;
    const google::protobuf::MethodDescriptor* descriptor = nullptr;
    // What everybody is told who may not call it: made once, so that it cannot differ.
    absl::Status denied;
  };

  // Compiles the rules of the given services. INTERNAL, naming the method, when one has no rule, a rule grants nothing,
  // a tenant path does not lead to a string field, a role on a body or force, or a list across bodies, lacks a tenant
  // path, a stream of requests has one, or two methods share a request type (the request's type is how a call finds its rule).
  static absl::StatusOr<Policy> Compile(const std::vector<const google::protobuf::ServiceDescriptor*>& services);

  // Takes from the methods of one service every service of the suite as a caller that is not in `callers`: a rule that all servers
  // share says who may call at all, and this who has business with this server.
  void Narrow(std::string_view service, const std::vector<std::string>& callers);

  // The method whose request type this is; nothing for a type of no registered method: refuse.
  const Method* Find(const google::protobuf::Descriptor* request_type) const;

  // The tenant that the request names, "bodies/norfolk-pcc", "forces/norfolk" or "bodies/-"; empty when there is none
  // or it is malformed. Points into `request` or `scratch`.
  static std::string_view TenantOf(const Method& method, const google::protobuf::Message& request,
                                   std::string& scratch);

  // The resource that the request names, or its parent; empty when it names none. Points into `request` or `scratch`.
  static std::string_view ResourceOf(const Method& method, const google::protobuf::Message& request,
                                     std::string& scratch);

  // Whether `caller` may make this call, before anything is looked up. PERMISSION_DENIED says the same whether or not
  // the resource exists, and for "bodies/-" where the rule has no across_bodies: to people of a body or force it is then a tenant like
  // any other that is not theirs. INVALID_ARGUMENT (field violation on the tenant path): the resource name is malformed, told
  // only to callers who hold one of the roles somewhere. `directory` may be null where no force is served.
  absl::StatusOr<Scope> Authorise(const Method& method, const Identity& caller,
                                  const google::protobuf::Message& request, TenantDirectory* directory) const;

 private:
  absl::flat_hash_map<const google::protobuf::Descriptor*, std::unique_ptr<Method>> methods_;
};

}  // namespace section55::access
