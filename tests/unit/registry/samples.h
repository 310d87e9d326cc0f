// The reference case for the tests of inspection-registry: the forces and bodies of England and Wales, and "Safe to
// share?".
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "section55/registry/v1/inspection.pb.h"
#include "services/inspection-registry/register.h"

namespace section55::registry {

// The 43 territorial forces and the British Transport Police (the last), each with its body at the same place; no etags, no times.
rules::Register RegisteredForces();

// As a registrar sends it, complete: recommendations 1 and 4 to chief constables, 2 to the Home Office, 3 to the
// National Police Chiefs' Council, 5 to chief constables and bodies jointly, 6 to bodies. No name.
v1::Inspection SafeToShare();

// The field of every violation, in order.
std::vector<std::string> FieldsOf(const absl::Status& status);

}  // namespace section55::registry
