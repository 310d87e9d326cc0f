// The calls that lead a report through its life, and those that look back on it.
#include <deque>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/events/origin.h"
#include "libs/rpc/change.h"
#include "libs/rpc/paging.h"
#include "services/inspection-registry/access.h"
#include "services/inspection-registry/findings.h"
#include "services/inspection-registry/life.h"
#include "services/inspection-registry/service.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {
namespace {

constexpr size_t kPageBytes = base::kLargestMessage - base::kEventRoom;

// "inspections/{inspection}/revisions/{n}": the n is no id.
constexpr std::string_view kRevisions = "/revisions/";

// What a step in a report's life is decided on.
struct Situation {
  store::StoredInspection stored;
  v1::InspectionRevision last;  // empty for a draft
  store::StoredRegister registered;
  rules::Reports related;
};

absl::StatusOr<Situation> LoadSituation(db::Transaction& tx, const std::string& id, const std::string& etag,
                                        const v1::Inspection& given) {
  Situation situation;
  ASSIGN_OR_RETURN(situation.stored, store::LoadInspection(tx, id));
  const v1::Inspection& inspection = situation.stored.message;
  RETURN_IF_ERROR(base::CheckEtag(inspection.name(), etag, inspection.etag()));
  if (inspection.revision() > 0) {
    ASSIGN_OR_RETURN(situation.last, store::LoadRevision(tx, id, inspection.revision()));
  }
  ASSIGN_OR_RETURN(situation.registered, store::LoadRegister(tx));
  ASSIGN_OR_RETURN(situation.related, LoadRelated(tx, inspection));
  ASSIGN_OR_RETURN(rules::Reports more, LoadRelated(tx, given));
  situation.related.merge(std::move(more));
  return situation;
}

// The shape of all three: `decide` is given the situation and works out the step, which is then written and told, or with validate_only
// only shown.
template <typename Event, typename Request>
absl::Status TakeStep(
    const rpc::Call& call, db::Database& database, events::EventLog& log, const Request& request, const std::string& id,
    const std::string& etag, const v1::Inspection& given, v1::Inspection& response,
    absl::FunctionRef<absl::StatusOr<rules::Step<Event>>(const Situation&, const rules::Circumstances&)> decide) {
  Situation situation;
  rules::Step<Event> step;
  const auto work_out = [&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(situation, LoadSituation(tx, id, etag, given));
    const rules::Circumstances with{.registered = situation.registered.all,
                                    .related = situation.related,
                                    .now = call.now,
                                    .today = calendar::LondonDay(call.now),
                                    .validate_only = request.validate_only()};
    ASSIGN_OR_RETURN(step, decide(situation, with));
    response = step.inspection;
    *response.mutable_effect() = step.effect;
    response.set_etag(request.validate_only() ? situation.stored.message.etag() : NextEtag(situation.stored.version));
    return absl::OkStatus();
  };
  if (request.validate_only()) {
    return database.Read(work_out, call.deadline);
  }
  return rpc::Change(call, database, request, response, work_out, [&](db::Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(store::HoldRegister(tx, situation.registered.version));
    store::StoredInspection row{step.inspection, situation.stored.version};
    RETURN_IF_ERROR(store::UpdateInspection(tx, row));
    RETURN_IF_ERROR(store::InsertRevision(tx, step.revision));
    RETURN_IF_ERROR(store::ReplaceRelations(tx, step.inspection));
    return log.Append(tx, events::OriginOf(call, "", step.inspection.name()), step.event);
  });
}

const v1::Finding* FindFinding(const v1::Inspection& inspection, const std::string& id) {
  for (const v1::Finding& finding : inspection.findings()) {
    if (finding.id() == id) {
      return &finding;
    }
  }
  return nullptr;
}

std::string NameOf(const store::Related& one) {
  return one.finding.empty() ? base::MakeName(base::kInspectionName, {one.inspection})
                             : base::MakeName(rules::kFindingName, {one.inspection, one.finding});
}

using Related = v1::GetRelationsResponse::Related;

// Walks from `start` along what is said of each, the nearest first, and adds what it comes to.
absl::Status Walk(db::Transaction& tx, const store::Related& start, bool back,
                  google::protobuf::RepeatedPtrField<Related>& found) {
  constexpr int kMost = 100;
  std::set<store::Related> seen = {start};
  struct Place {
    store::Related one;
    int distance;
  };
  std::deque<Place> open = {{start, 0}};
  while (!open.empty() && found.size() < kMost) {
    const Place place = std::move(open.front());
    open.pop_front();
    ASSIGN_OR_RETURN(const std::vector<store::RelationRow> rows,
                     back ? store::RelationsTo(tx, place.one, kMost) : store::RelationsFrom(tx, place.one, kMost));
    for (const store::RelationRow& row : rows) {
      const store::Related& next = back ? row.from : row.to;
      if (found.size() >= kMost || !seen.insert(next).second) {
        continue;
      }
      Related& related = *found.Add();
      related.set_name(NameOf(next));
      related.set_from(NameOf(row.from));
      related.set_to(NameOf(row.to));
      related.set_kind(next.finding.empty()
                           ? v1::Relation::Kind_Name(static_cast<v1::Relation::Kind>(row.kind))
                           : v1::FindingRelation::Kind_Name(static_cast<v1::FindingRelation::Kind>(row.kind)));
      related.set_distance(place.distance + 1);
      open.push_back({next, place.distance + 1});
    }
  }
  return absl::OkStatus();
}

// What a reader of the list needs to know of each.
absl::Status Describe(db::Transaction& tx, google::protobuf::RepeatedPtrField<Related>& all) {
  absl::flat_hash_map<std::string, v1::Inspection> reports;
  for (Related& related : all) {
    const auto finding = base::ParseName(related.name(), rules::kFindingName);
    const std::string id = finding ? finding->front() : base::ParseName(related.name(), base::kInspectionName)->front();
    if (!reports.contains(id)) {
      ASSIGN_OR_RETURN(store::StoredInspection stored, store::LoadInspection(tx, id));
      reports.emplace(id, std::move(stored.message));
    }
    const v1::Inspection& report = reports.at(id);
    related.set_title(report.short_title().empty() ? report.title() : report.short_title());
    *related.mutable_publication_date() = report.publication_date();
    if (const v1::Finding* found = finding ? FindFinding(report, finding->back()) : nullptr; found != nullptr) {
      related.set_number(found->number());
      related.set_summary(found->summary());
    }
  }
  return absl::OkStatus();
}

// How often a finding was raised: itself, and each of the earlier ones that it leads back to by repeating alone.
int TimesRaised(const std::string& name, const google::protobuf::RepeatedPtrField<Related>& earlier) {
  std::set<std::string> raised = {name};
  for (const Related& related : earlier) {  // the nearest first
    if (related.kind() == v1::FindingRelation::Kind_Name(v1::FindingRelation::REPEATS) &&
        raised.contains(related.from())) {
      raised.insert(related.name());
    }
  }
  return static_cast<int>(raised.size());
}

}  // namespace

grpc::Status InspectionRegistryService::PublishInspection(grpc::ServerContext* context,
                                                          const v1::PublishInspectionRequest* request,
                                                          v1::Inspection* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const std::string id = base::IdIn("name", request->name(), base::kInspectionName, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return TakeStep<v1::InspectionPublished>(call, database_, log_, *request, id, request->etag(), v1::Inspection(),
                                             *response,
                                             [](const Situation& situation, const rules::Circumstances& with) {
                                               return rules::Publish(situation.stored.message, with);
                                             });
  });
}

grpc::Status InspectionRegistryService::CorrectInspection(grpc::ServerContext* context,
                                                          const v1::CorrectInspectionRequest* request,
                                                          v1::Inspection* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    v1::Inspection given;
    rules::CopyFields(request->inspection(), request->update_mask(), given);
    rules::FillFindingIds(*given.mutable_findings());
    base::Violations violations;
    const std::string& name = request->inspection().name();
    const std::string id = base::IdIn("inspection.name", name, base::kInspectionName, violations);
    rules::ValidateMask(*request, violations);
    rules::ValidateCorrection(*request, calendar::LondonDay(call.now), violations);
    rules::ValidateInspection(given, name, violations);
    const std::string& etag = request->etag().empty() ? request->inspection().etag() : request->etag();
    if (id.empty()) {
      return violations.ToStatus();
    }
    return TakeStep<v1::InspectionCorrected>(
        call, database_, log_, *request, id, etag, given, *response,
        [&](const Situation& situation,
            const rules::Circumstances& with) -> absl::StatusOr<rules::Step<v1::InspectionCorrected>> {
          base::Violations all = violations;
          rules::ValidateReferences(given, with.registered, with.related, all);
          RETURN_IF_ERROR(all.ToStatus());
          ASSIGN_OR_RETURN(auto step, rules::Correct(*request, given, situation.stored.message, situation.last, with));
          rules::ValidateSize(step.inspection, with.registered, all);
          RETURN_IF_ERROR(all.ToStatus());
          return step;
        });
  });
}

grpc::Status InspectionRegistryService::WithdrawInspection(grpc::ServerContext* context,
                                                           const v1::WithdrawInspectionRequest* request,
                                                           v1::Inspection* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const std::string id = base::IdIn("name", request->name(), base::kInspectionName, violations);
    rules::ValidateWithdrawal(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return TakeStep<v1::InspectionWithdrawn>(
        call, database_, log_, *request, id, request->etag(), v1::Inspection(), *response,
        [&](const Situation& situation, const rules::Circumstances& with) {
          return rules::Withdraw(*request, situation.stored.message, situation.last, with);
        });
  });
}

grpc::Status InspectionRegistryService::ListInspectionRevisions(grpc::ServerContext* context,
                                                                const v1::ListInspectionRevisionsRequest* request,
                                                                v1::ListInspectionRevisionsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const std::string id = base::IdIn("parent", request->parent(), base::kInspectionName, violations);
    const auto paging = rpc::ReadPaging<int64_t>(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    std::vector<v1::InspectionRevision> revisions;
    RETURN_IF_ERROR(database_.Read(
        [&](db::Transaction& tx) -> absl::Status {
          RETURN_IF_ERROR(LoadVisible(tx, call.caller, id, request->parent()).status());
          const int64_t before = paging.after ? std::get<0>(*paging.after) : std::numeric_limits<int64_t>::max();
          ASSIGN_OR_RETURN(revisions, store::ListRevisions(tx, id, before, paging.size, kPageBytes));
          return absl::OkStatus();
        },
        call.deadline));
    if (!revisions.empty() && revisions.back().inspection().revision() > rules::kFirstRevision) {
      rpc::SetNextPage(*request, std::make_tuple(int64_t{revisions.back().inspection().revision()}), *response);
    }
    for (v1::InspectionRevision& revision : revisions) {
      revision.mutable_inspection()->clear_findings();
      *response->add_revisions() = std::move(revision);
    }
    return absl::OkStatus();
  });
}

grpc::Status InspectionRegistryService::GetInspectionRevision(grpc::ServerContext* context,
                                                              const v1::GetInspectionRevisionRequest* request,
                                                              v1::InspectionRevision* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const std::string_view name = request->name();
    const size_t cut = name.find(kRevisions);
    const auto id = base::ParseName(name.substr(0, cut), base::kInspectionName);
    int64_t number = 0;
    if (!id || cut == std::string_view::npos ||
        !absl::SimpleAtoi(
            absl::string_view(name.data() + cut + kRevisions.size(), name.size() - cut - kRevisions.size()), &number) ||
        number < rules::kFirstRevision) {
      violations.Add("name", "must be a revision's name, \"inspections/safe-to-share/revisions/2\"");
    }
    RETURN_IF_ERROR(violations.ToStatus());
    // Only what was published has revisions: nobody sees a draft by this.
    return database_.Lookup(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(*response, store::LoadRevision(tx, id->front(), number));
          return absl::OkStatus();
        },
        call.deadline);
  });
}

grpc::Status InspectionRegistryService::GetFinding(grpc::ServerContext* context, const v1::GetFindingRequest* request,
                                                   v1::Finding* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const std::vector<std::string> ids = base::IdsIn("name", request->name(), rules::kFindingName, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return database_.Lookup(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(const v1::Inspection inspection, LoadVisible(tx, call.caller, ids[0], request->name()));
          const v1::Finding* finding = FindFinding(inspection, ids[1]);
          if (finding == nullptr) {
            return base::NotFound(request->name());
          }
          *response = rules::ShownFinding(inspection, *finding);
          return absl::OkStatus();
        },
        call.deadline);
  });
}

grpc::Status InspectionRegistryService::GetRelations(grpc::ServerContext* context,
                                                     const v1::GetRelationsRequest* request,
                                                     v1::GetRelationsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    store::Related start;
    if (const auto finding = base::ParseName(request->name(), rules::kFindingName)) {
      start = {(*finding)[0], (*finding)[1]};
    } else if (const auto inspection = base::ParseName(request->name(), base::kInspectionName)) {
      start = {inspection->front()};
    } else {
      violations.Add("name", "must be the name of a report or of a finding");
    }
    RETURN_IF_ERROR(violations.ToStatus());
    return database_.Read(
        [&](db::Transaction& tx) -> absl::Status {
          response->Clear();
          ASSIGN_OR_RETURN(const v1::Inspection inspection,
                           LoadVisible(tx, call.caller, start.inspection, request->name()));
          if (!start.finding.empty() && FindFinding(inspection, start.finding) == nullptr) {
            return base::NotFound(request->name());
          }
          RETURN_IF_ERROR(Walk(tx, start, false, *response->mutable_earlier()));
          RETURN_IF_ERROR(Walk(tx, start, true, *response->mutable_later()));
          RETURN_IF_ERROR(Describe(tx, *response->mutable_earlier()));
          RETURN_IF_ERROR(Describe(tx, *response->mutable_later()));
          if (!start.finding.empty()) {
            response->set_times_raised(TimesRaised(request->name(), response->earlier()));
          }
          return absl::OkStatus();
        },
        call.deadline);
  });
}

}  // namespace section55::registry
