#include "services/inspection-registry/obligations.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "services/inspection-registry/rules.h"

namespace section55::registry::rules {
namespace {

using v1::Addressee;
using v1::Body;
using v1::Finding;
using v1::Force;

// Section 55(5B) asks a body for an answer to a recommendation made to it or to its chief officer, alone or with others. Every body
// answers a conditional one, if only to say that the condition does not hold.
bool Concerns(const Addressee& addressee, const std::vector<const Force*>& forces, const Body& body) {
  switch (addressee.kind()) {
    case Addressee::ALL_CHIEF_CONSTABLES:
    case Addressee::ALL_LOCAL_POLICING_BODIES:
    case Addressee::CHIEF_CONSTABLES_AND_LOCAL_POLICING_BODIES:
    case Addressee::CONDITIONAL:
      return true;
    case Addressee::FORCE:
      return std::any_of(forces.begin(), forces.end(),
                         [&](const Force* force) { return force->name() == addressee.name(); });
    case Addressee::REGION:
      return std::any_of(forces.begin(), forces.end(),
                         [&](const Force* force) { return force->region() == addressee.name(); });
    case Addressee::LOCAL_POLICING_BODY:
      return addressee.name() == body.name() || std::find(body.predecessors().begin(), body.predecessors().end(),
                                                          addressee.name()) != body.predecessors().end();
    default:
      return false;
  }
}

}  // namespace

v1::Obligation MakeObligation(const v1::Inspection& inspection, const std::vector<const Force*>& concerned,
                              const Force& force, const Body& body) {
  v1::Obligation obligation;
  *obligation.mutable_body() = body;
  *obligation.mutable_force() = force;
  std::vector<const Force*> forces = concerned;
  forces.push_back(&force);
  for (const Finding& finding : inspection.findings()) {
    const auto concerns = [&](const Addressee& addressee) { return Concerns(addressee, forces, body); };
    if (finding.kind() == Finding::RECOMMENDATION &&
        std::any_of(finding.addressees().begin(), finding.addressees().end(), concerns)) {
      obligation.add_findings_to_answer(fmt::format("{}/findings/{}", inspection.name(), finding.id()));
    }
  }
  return obligation;
}

Obligations ObligationsOf(const v1::Inspection& inspection, const Register& registered, absl::CivilDay today) {
  const absl::CivilDay published = DayOf(inspection.publication_date()).value_or(today);
  struct Concerned {
    const Body* body;
    const Force* force;
    std::vector<const Force*> forces;
  };
  std::map<std::string, Concerned> by_body;
  Obligations obligations;
  for (const Force& force : registered.forces) {
    // A force that the report names is concerned whatever its dates say; there may be a mistake in them.
    const bool was_there =
        inspection.scope().forces().empty() ? IsThere(force, published) : !force.registered_by_mistake();
    if (!was_there || !IsConcerned(inspection.scope(), force)) {
      continue;
    }
    const Force& now = registered.ForceOn(force.name(), today);
    const Body* body = registered.HolderOf(now.name(), today);
    if (body == nullptr) {
      obligations.forces_without_body.push_back(now.name());
      continue;
    }
    Concerned& concerned = by_body.emplace(body->name(), Concerned{body, &now, {}}).first->second;
    concerned.forces.push_back(&force);
  }
  for (const auto& [name, concerned] : by_body) {
    obligations.owed.push_back(MakeObligation(inspection, concerned.forces, *concerned.force, *concerned.body));
  }
  return obligations;
}

std::vector<std::string> BodiesWithoutForce(const Register& registered, absl::CivilDay today) {
  std::vector<std::string> names;
  for (const Body& body : registered.bodies) {
    if (!IsThere(body, today)) {
      continue;
    }
    const Force* held = registered.FindForce(ForceHeld(body, today));
    if (held == nullptr || !IsThere(*held, today)) {
      names.push_back(body.name());
    }
  }
  return names;
}

}  // namespace section55::registry::rules
