// Forces, bodies and who holds whom to account, day by day: what is valid, who comes in whose place. Pure functions on the proto messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "google/protobuf/field_mask.pb.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "section55/registry/v1/events.pb.h"
#include "section55/registry/v1/inspection_registry.pb.h"

namespace section55::registry::rules {

// All forces and bodies there are, were and will be: the map on which a report's scope and addressees are found. They are some dozens.
struct Register {
  std::vector<v1::Force> forces;  // by name
  std::vector<v1::Body> bodies;   // by name

  // Null when there is none such.
  const v1::Force* FindForce(std::string_view name) const;
  const v1::Body* FindBody(std::string_view name) const;
  v1::Body* FindBody(std::string_view name);
  v1::Force* FindForce(std::string_view name);

  // The body that holds the force to account on that day. Null when none does.
  const v1::Body* HolderOf(std::string_view force, absl::CivilDay day) const;

  // The force, or the one that has come in its place by that day. `force` is registered.
  const v1::Force& ForceOn(std::string_view force, absl::CivilDay day) const;

  // The name of the body, or of the one that has come in its place by that day.
  std::string BodyOn(std::string_view body, absl::CivilDay day) const;
};

// Whether there is such a force or body on that day.
template <typename Message>
bool IsThere(const Message& message, absl::CivilDay day) {
  const auto from = base::ToCivilDay(message.valid_from());
  const auto to = base::ToCivilDay(message.valid_to());
  return !message.registered_by_mistake() && (!from || *from <= day) && (!to || day <= *to);
}

// The force that the body holds to account on that day; empty when none.
std::string ForceHeld(const v1::Body& body, absl::CivilDay day);

// Everything that is wrong with a force to be registered, each at its path.
void ValidateCreateForce(const v1::CreateForceRequest& request, base::Violations& violations);
// Everything that is wrong with a body to be registered by itself.
void ValidateCreateBody(const v1::CreateBodyRequest& request, base::Violations& violations);

// What is wrong with the request around the force or body: a mask that is empty or names what cannot be set, two different etags.
void ValidateUpdateForce(const v1::UpdateForceRequest& request, base::Violations& violations);
void ValidateUpdateBody(const v1::UpdateBodyRequest& request, base::Violations& violations);

// Sets the fields that the mask names, which may clear them, and looks at the whole. `violations` receives what is wrong.
void ApplyUpdate(const v1::UpdateForceRequest& request, v1::Force& force, base::Violations& violations);
void ApplyUpdate(const v1::UpdateBodyRequest& request, v1::Body& body, base::Violations& violations);

// A body as a caller sends it for creation, in the form in which it is kept: its force as a link, or the last of its links as its force.
v1::Body Normalised(const v1::Body& given);

// Whether the links of `body` fit with everything else that is registered: violations for forces that are not, FAILED_PRECONDITION
// (FORCE_HAS_BODY) for a day on which another body holds the same force to account.
absl::Status CheckLinks(const Register& all, const v1::Body& body);

// What SucceedBody or SucceedForce changes in the register: every force and body that is not as it was. The event is ready to be told.
template <typename Event>
struct Succeeded {
  std::vector<v1::Force> forces;
  std::vector<v1::Body> bodies;
  Event event;
};
using BodySuccession = Succeeded<v1::BodySucceeded>;
using ForceSuccession = Succeeded<v1::ForceSucceeded>;

// What is wrong with the request by itself.
void ValidateSucceedBody(const v1::SucceedBodyRequest& request, base::Violations& violations);
void ValidateSucceedForce(const v1::SucceedForceRequest& request, base::Violations& violations);

// `request` is valid by itself, and the one whose place is taken is registered. INVALID_ARGUMENT: the successor is not registered, or
// not there on the day, or is the same or a predecessor. FAILED_PRECONDITION (HAS_SUCCESSOR, FORCE_HAS_BODY).
absl::StatusOr<BodySuccession> Succeed(const v1::SucceedBodyRequest& request, const Register& all);
absl::StatusOr<ForceSuccession> Succeed(const v1::SucceedForceRequest& request, const Register& all);

}  // namespace section55::registry::rules
