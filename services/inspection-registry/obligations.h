// Who owes a response to a report, and which findings each must answer. Pure functions on the proto messages.
#pragma once

#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "section55/registry/v1/events.pb.h"
#include "services/inspection-registry/register.h"

namespace section55::registry::rules {

// What `body` must answer for the forces that the report concerns, all of which are `force` now, or have become it.
v1::Obligation MakeObligation(const v1::Inspection& inspection, const std::vector<const v1::Force*>& concerned,
                              const v1::Force& force, const v1::Body& body);

struct Obligations {
  std::vector<v1::Obligation> owed;              // by the body's name, each once
  std::vector<std::string> forces_without_body;  // forces concerned that nobody holds to account, by name
};

// Which forces a report with scope and publication date concerns is a matter of the day it was published; who answers for them, of today:
// whoever has come in the place of the force, and of its body. The bodies of all territorial forces, of those of a region, or of those
// listed.
Obligations ObligationsOf(const v1::Inspection& inspection, const Register& registered, absl::CivilDay today);

// Bodies that are there today and hold no force to account that is: no report reaches them. By name.
std::vector<std::string> BodiesWithoutForce(const Register& registered, absl::CivilDay today);

}  // namespace section55::registry::rules
