#include "services/response-authoring/service.h"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "libs/base/checks.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/db/idempotency.h"
#include "libs/events/origin.h"
#include "libs/rpc/change.h"
#include "section55/authoring/v1/events.pb.h"
#include "services/response-authoring/answers.h"
#include "services/response-authoring/chief_officer.h"
#include "services/response-authoring/comments.h"
#include "services/response-authoring/drafts.h"
#include "services/response-authoring/exemptions.h"
#include "services/response-authoring/gaps.h"
#include "services/response-authoring/jobs.h"
#include "services/response-authoring/list.h"
#include "services/response-authoring/pasted_text.h"
#include "services/response-authoring/revisions.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/seen.h"
#include "services/response-authoring/successions.h"
#include "services/response-authoring/views.h"

namespace section55::authoring {
namespace {

using access::Scope;
using store::ReportForm;

rules::Doer DoerOf(const rpc::Call& call, const v1::Response& response) {
  return {.actor = call.caller.actor,
          .now = call.now,
          .today = calendar::LondonDay(call.now),
          .may_approve = call.caller.Holds(common::v1::AccessRule::APPROVER, response.body().name()),
          .for_force = ViewOf(call, response) == Scope::View::kForce};
}

// How the caller of a change is shown what became of the response. A national role sees no draft.
v1::Response Shown(const rpc::Call& call, Scope::View view, v1::Response response) {
  if (call.scope.everything) {
    return views::ForEverybody(response);
  }
  return view == Scope::View::kBody ? std::move(response) : views::ForForce(response);
}

// That the response that an exemption names can discharge this one.
absl::Status CheckDischarged(db::Transaction& tx, const v1::Response& response) {
  const std::string& name = response.exemption().discharged_by();
  if (name.empty()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(name, "discharged_by"));
  const auto other = store::LoadResponse(tx, id.body, id.inspection, ReportForm::kFacts);
  if (absl::IsNotFound(other.status()) || (other.ok() && !rules::CanDischarge(other->response))) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "NOT_DISCHARGED",
                       fmt::format("{} is not owed, so it cannot discharge another response: name one that is open, "
                                   "in review, approved or published",
                                   name),
                       {{"resource", response.name()}});
  }
  return other.status();
}

// Whether a program saves by itself while somebody writes.
template <typename Request>
bool IsAutosave(const Request& request) {
  if constexpr (requires { request.autosave(); }) {
    return request.autosave();
  }
  return false;
}

// What a step that must not be taken blindly asks for.
absl::Status RequireEtag(std::string_view etag) {
  base::Violations violations;
  if (etag.empty()) {
    violations.Add("etag",
                   "is required: send the one that you have read, so that this is about the text that you know");
  }
  return violations.ToStatus();
}

// The response without its report, which no change touches.
v1::Response CopyWithoutReport(v1::Response& response) {
  const std::unique_ptr<registry::v1::Inspection> report(response.release_report());
  v1::Response copy = response;
  if (report) {
    response.mutable_report()->Swap(report.get());
  }
  return copy;
}

}  // namespace

// One change of one response.
struct ResponseAuthoringService::Change {
  const rules::Doer doer;
  v1::Response& response;
  // For what else must be read to decide.
  db::Transaction& tx;
  // What followers must know, in order.
  std::vector<std::unique_ptr<google::protobuf::Message>> events = {};
  // What else is written with it.
  std::vector<jobs::Effect> effects = {};

  template <typename Event>
  Event& Tell() {
    auto event = std::make_unique<Event>();
    Event& told = *event;
    events.push_back(std::move(event));
    return told;
  }
};

template <typename Request>
absl::Status ResponseAuthoringService::ChangeResponse(const rpc::Call& call, const Request& request,
                                                      const std::string& name, std::string_view name_field,
                                                      const std::string& etag, ReportForm form, v1::Response* response,
                                                      absl::FunctionRef<absl::Status(Change&)> rule) {
  ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(name, name_field));
  std::string tenant;
  store::Save save;
  std::vector<std::unique_ptr<google::protobuf::Message>> events;
  std::vector<jobs::Effect> effects;
  return rpc::Change(
      call, database_, request, *response,
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(store::StoredResponse stored, LoadSeen(call, tx, id, form));
        const Scope::View view = ViewOf(call, stored.response);
        if (const absl::Status status = base::CheckEtag(name, etag, stored.response.etag()); !status.ok()) {
          return WithWhoSaved(tx, stored, etag, status);
        }
        const v1::Response before = CopyWithoutReport(stored.response);
        *stored.response.mutable_update_time() = base::ToTimestamp(call.now);
        Change change{DoerOf(call, stored.response), stored.response, tx};
        if (const absl::Status status = rule(change); !status.ok()) {
          return absl::IsAborted(status) ? WithWhoSaved(tx, stored, etag, status) : status;
        }
        tenant = stored.response.body().name();
        // For an autosave: whether it goes on with the last.
        std::vector<store::HistoryRow> last;
        if (IsAutosave(request)) {
          ASSIGN_OR_RETURN(last, store::HistoryFrom(tx, stored.history, 1));
        }
        save = store::Prepare(before, call.caller.actor, call.now, stored, last.empty() ? nullptr : &last.front());
        events = std::move(change.events);
        effects = std::move(change.effects);
        if (jobs::Effect silence = AdjustSilenceJob(jobs_, before, stored.response)) {
          effects.push_back(std::move(silence));
        }
        stored.response.mutable_report()->clear_findings();
        *response = Shown(call, view, std::move(stored.response));
        return absl::OkStatus();
      },
      [&](db::Transaction& tx) -> absl::Status {
        RETURN_IF_ERROR(store::Write(tx, save));
        for (const auto& event : events) {
          RETURN_IF_ERROR(log_.Append(tx, events::OriginOf(call, tenant, name), *event));
        }
        for (const jobs::Effect& effect : effects) {
          RETURN_IF_ERROR(effect(tx));
        }
        return absl::OkStatus();
      });
}

ResponseAuthoringService::ResponseAuthoringService(rpc::Server& server, db::Database& database, events::EventLog& log,
                                                   jobs::Queue& jobs, Renditions& renditions)
    : server_(server), database_(database), log_(log), jobs_(jobs), renditions_(renditions) {
  const auto& service = *v1::Response::descriptor()->file()->pool()->FindServiceByName(std::string(kServiceName));
  AnswerInBytes<v1::GetResponseRequest>(*service.FindMethodByName("GetResponse"),
                                        [this](grpc::ServerContext* context, const v1::GetResponseRequest* request,
                                               std::string* answer) { return GetResponse(context, request, answer); });
}

grpc::Status ResponseAuthoringService::GetResponse(grpc::ServerContext* context, const v1::GetResponseRequest* request,
                                                   std::string* answer) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(request->name()));
    base::Violations violations;
    base::CheckEnum("view", request->view(), v1::ResponseView_IsValid, base::Presence::kOptional, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return database_.Lookup(
        [&](db::Transaction& tx) {
          return store::ReadResponse(tx, id.body, id.inspection, request->view(),
                                     [&](const store::ResponseBytes& bytes) -> absl::Status {
                                       switch (const Scope::View view = ViewOf(call, bytes)) {
                                         case Scope::View::kNone:
                                           return base::NotFound(request->name());
                                         case Scope::View::kBody:
                                           return store::Serialise(bytes, *answer);
                                         default:
                                           v1::Response shown;
                                           RETURN_IF_ERROR(Show(view, bytes, &shown));
                                           *answer = shown.SerializeAsString();
                                           return absl::OkStatus();
                                       }
                                     });
        },
        call.deadline);
  });
}

grpc::Status ResponseAuthoringService::ListResponses(grpc::ServerContext* context,
                                                     const v1::ListResponsesRequest* request,
                                                     v1::ListResponsesResponse* response) {
  return server_.Serve(context, *request,
                       [&](rpc::Call& call) { return authoring::ListResponses(call, database_, *request, *response); });
}

grpc::Status ResponseAuthoringService::InviteChiefOfficer(grpc::ServerContext* context,
                                                          const v1::InviteChiefOfficerRequest* request,
                                                          v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, *request, request->name(), "name", request->etag(), ReportForm::kFacts, response,
                          [&](Change& change) -> absl::Status {
                            RETURN_IF_ERROR(rules::Invite(*request, change.doer, change.response));
                            auto& event = change.Tell<v1::ChiefOfficerInvited>();
                            event.set_response(request->name());
                            *event.mutable_chief_officer() = views::Basic(change.response).chief_officer();
                            return absl::OkStatus();
                          });
  });
}

grpc::Status ResponseAuthoringService::SubmitChiefOfficerComments(grpc::ServerContext* context,
                                                                  const v1::SubmitChiefOfficerCommentsRequest* request,
                                                                  v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, *request, request->name(), "name", request->etag(), ReportForm::kWithFindings, response,
                          [&](Change& change) -> absl::Status {
                            RETURN_IF_ERROR(rules::AddContributions(*request, change.doer, change.response));
                            change.Tell<v1::ChiefOfficerCommented>().set_response(request->name());
                            return absl::OkStatus();
                          });
  });
}

grpc::Status ResponseAuthoringService::SaveDraftContribution(grpc::ServerContext* context,
                                                             const v1::SaveDraftContributionRequest* request,
                                                             v1::DraftContribution* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return authoring::SaveDraftContribution(call, database_, *request, *response);
  });
}

grpc::Status ResponseAuthoringService::DeleteDraftContribution(grpc::ServerContext* context,
                                                               const v1::DeleteDraftContributionRequest* request,
                                                               v1::DeleteDraftContributionResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return authoring::DeleteDraftContribution(call, database_, *request, *response);
  });
}

grpc::Status ResponseAuthoringService::ListDraftContributions(grpc::ServerContext* context,
                                                              const v1::ListDraftContributionsRequest* request,
                                                              v1::ListDraftContributionsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return authoring::ListDraftContributions(call, database_, *request, *response);
  });
}

grpc::Status ResponseAuthoringService::GetDraftProgress(grpc::ServerContext* context,
                                                        const v1::GetDraftProgressRequest* request,
                                                        v1::DraftProgress* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return authoring::GetDraftProgress(call, database_, *request, *response);
  });
}

grpc::Status ResponseAuthoringService::SendDraftContributions(grpc::ServerContext* context,
                                                              const v1::SendDraftContributionsRequest* request,
                                                              v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, *request, request->name(), "name", request->etag(), ReportForm::kWithFindings, response,
                          [&](Change& change) -> absl::Status {
                            ASSIGN_OR_RETURN(const std::vector<store::Draft> drafts, DraftsToSend(change.tx, *request));
                            v1::SubmitChiefOfficerCommentsRequest submit;
                            for (const store::Draft& draft : drafts) {
                              *submit.add_contributions() = draft.message.contribution();
                            }
                            RETURN_IF_ERROR(rules::AddContributions(submit, change.doer, change.response));
                            change.Tell<v1::ChiefOfficerCommented>().set_response(request->name());
                            change.effects.emplace_back([drafts](db::Transaction& tx) -> absl::Status {
                              for (const store::Draft& draft : drafts) {
                                RETURN_IF_ERROR(store::DeleteDraft(tx, draft));
                              }
                              return absl::OkStatus();
                            });
                            return absl::OkStatus();
                          });
  });
}

grpc::Status ResponseAuthoringService::WithdrawChiefOfficerComments(
    grpc::ServerContext* context, const v1::WithdrawChiefOfficerCommentsRequest* request, v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, *request, request->name(), "name", request->etag(), ReportForm::kFacts, response,
                          [&](Change& change) -> absl::Status {
                            RETURN_IF_ERROR(rules::WithdrawContributions(*request, change.response));
                            change.Tell<v1::ChiefOfficerCommented>().set_response(request->name());
                            return absl::OkStatus();
                          });
  });
}

grpc::Status ResponseAuthoringService::RecordNoComments(grpc::ServerContext* context,
                                                        const v1::RecordNoCommentsRequest* request,
                                                        v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, *request, request->name(), "name", request->etag(), ReportForm::kFacts, response,
                          [&](Change& change) -> absl::Status {
                            RETURN_IF_ERROR(rules::RecordNoComments(change.doer, change.response));
                            auto& event = change.Tell<v1::ChiefOfficerCommented>();
                            event.set_response(request->name());
                            event.set_no_comments(true);
                            return absl::OkStatus();
                          });
  });
}

grpc::Status ResponseAuthoringService::UpdateResponse(grpc::ServerContext* context,
                                                      const v1::UpdateResponseRequest* request,
                                                      v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    const std::string& inner = request->response().etag();
    if (!request->etag().empty() && !inner.empty() && request->etag() != inner) {
      base::Violations violations;
      violations.Add("etag", "differs from response.etag; send one of them");
      return violations.ToStatus();
    }
    const ReportForm form = request->response().answers().empty() ? ReportForm::kFacts : ReportForm::kWithFindings;
    return ChangeResponse(call, *request, request->response().name(), "response.name",
                          request->etag().empty() ? inner : request->etag(), form, response,
                          [&](Change& change) { return rules::Update(*request, change.doer, change.response); });
  });
}

grpc::Status ResponseAuthoringService::AnswerTogether(grpc::ServerContext* context,
                                                      const v1::AnswerTogetherRequest* request,
                                                      v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(
        call, *request, request->name(), "name", request->etag(), ReportForm::kWithFindings, response,
        [&](Change& change) { return rules::AnswerTogether(*request, change.doer, change.response); });
  });
}

grpc::Status ResponseAuthoringService::NormaliseText(grpc::ServerContext* context,
                                                     const v1::NormaliseTextRequest* request,
                                                     v1::NormaliseTextResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    constexpr size_t kMostCharacters = 100'000;
    base::Violations violations;
    base::CheckLength("text", request->text(), kMostCharacters, base::Presence::kRequired, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    NormalisedText normalised = authoring::NormaliseText(request->text());
    response->set_text(std::move(normalised.text));
    response->mutable_changes()->Assign(normalised.changes.begin(), normalised.changes.end());
    return absl::OkStatus();
  });
}

grpc::Status ResponseAuthoringService::CheckResponse(grpc::ServerContext* context,
                                                     const v1::CheckResponseRequest* request,
                                                     v1::CheckResponseResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(request->name()));
    store::StoredResponse stored;
    RETURN_IF_ERROR(database_.Lookup(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(stored, store::LoadResponse(tx, id.body, id.inspection, ReportForm::kWithFindings));
          return absl::OkStatus();
        },
        call.deadline));
    const rules::Doer doer = DoerOf(call, stored.response);
    bool blocked = stored.response.state() != v1::Response::OPEN;
    for (v1::Gap& gap : rules::FindGaps(stored.response, doer.today)) {
      blocked = blocked || gap.blocks_submission();
      *response->add_gaps() = std::move(gap);
    }
    response->set_can_submit(!blocked);
    for (v1::Gap& warning : rules::FindWarnings(stored.response, doer.actor, doer.may_approve)) {
      *response->add_warnings() = std::move(warning);
    }
    return absl::OkStatus();
  });
}

grpc::Status ResponseAuthoringService::SubmitResponse(grpc::ServerContext* context,
                                                      const v1::SubmitResponseRequest* request,
                                                      v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    RETURN_IF_ERROR(RequireEtag(request->etag()));
    return ChangeResponse(call, *request, request->name(), "name", request->etag(), ReportForm::kWithFindings, response,
                          [&](Change& change) -> absl::Status {
                            const bool silent = change.response.chief_officer().has_no_comments_time();
                            RETURN_IF_ERROR(rules::Submit(change.doer, change.response));
                            if (!silent && change.response.chief_officer().has_no_comments_time()) {
                              auto& commented = change.Tell<v1::ChiefOfficerCommented>();
                              commented.set_response(request->name());
                              commented.set_no_comments(true);
                            }
                            auto& submitted = change.Tell<v1::ResponseSubmitted>();
                            submitted.set_response(request->name());
                            *submitted.mutable_submission() = change.response.submission();
                            return absl::OkStatus();
                          });
  });
}

grpc::Status ResponseAuthoringService::ReturnResponse(grpc::ServerContext* context,
                                                      const v1::ReturnResponseRequest* request,
                                                      v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    const ReportForm form = request->marks().empty() ? ReportForm::kFacts : ReportForm::kWithFindings;
    return ChangeResponse(call, *request, request->name(), "name", request->etag(), form, response,
                          [&](Change& change) -> absl::Status {
                            RETURN_IF_ERROR(rules::Return(*request, change.doer, change.response));
                            auto& event = change.Tell<v1::ResponseReturned>();
                            event.set_response(request->name());
                            *event.mutable_last_return() = change.response.last_return();
                            return absl::OkStatus();
                          });
  });
}

grpc::Status ResponseAuthoringService::ApproveResponse(grpc::ServerContext* context,
                                                       const v1::ApproveResponseRequest* request,
                                                       v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    RETURN_IF_ERROR(RequireEtag(request->etag()));
    ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(request->name()));
    // What is to be approved is rendered first, outside of any transaction. The etag sees to it that the same text is approved then.
    bool answered = false;
    store::StoredResponse read;
    RETURN_IF_ERROR(database_.Read(
        [&](db::Transaction& tx) -> absl::Status {
          std::string digest;
          ASSIGN_OR_RETURN(answered, db::FindAnswer(tx, {call.caller.actor, call.method, request->request_id()},
                                                    *request, digest, *response));
          if (!answered) {
            ASSIGN_OR_RETURN(read, store::LoadResponse(tx, id.body, id.inspection, ReportForm::kWithFindings));
          }
          return absl::OkStatus();
        },
        call.deadline));
    if (answered) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(base::CheckEtag(request->name(), request->etag(), read.response.etag()));
    RETURN_IF_ERROR(rules::Approve(DoerOf(call, read.response), read.response, request->bypass_reason()));
    RETURN_IF_ERROR(renditions_.Check(rules::ForPublication(read.response), call.deadline));
    return ChangeResponse(call, *request, request->name(), "name", request->etag(), ReportForm::kWithFindings, response,
                          [&](Change& change) -> absl::Status {
                            RETURN_IF_ERROR(rules::Approve(change.doer, change.response, request->bypass_reason()));
                            v1::Response& approved = *change.Tell<v1::ResponseApproved>().mutable_response();
                            approved = rules::ForPublication(change.response);
                            approved.clear_etag();
                            return absl::OkStatus();
                          });
  });
}

grpc::Status ResponseAuthoringService::ExemptResponse(grpc::ServerContext* context,
                                                      const v1::ExemptResponseRequest* request,
                                                      v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, *request, request->name(), "name", request->etag(), ReportForm::kFacts, response,
                          [&](Change& change) -> absl::Status {
                            RETURN_IF_ERROR(rules::Exempt(*request, change.doer, change.response));
                            return CheckDischarged(change.tx, change.response);
                          });
  });
}

grpc::Status ResponseAuthoringService::ConfirmExemption(grpc::ServerContext* context,
                                                        const v1::ConfirmExemptionRequest* request,
                                                        v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    RETURN_IF_ERROR(RequireEtag(request->etag()));
    return ChangeResponse(call, *request, request->name(), "name", request->etag(), ReportForm::kFacts, response,
                          [&](Change& change) -> absl::Status {
                            RETURN_IF_ERROR(rules::ConfirmExemption(change.doer, change.response));
                            RETURN_IF_ERROR(CheckDischarged(change.tx, change.response));
                            auto& exempted = change.Tell<v1::ResponseExempted>();
                            exempted.set_response(request->name());
                            *exempted.mutable_exemption() = change.response.exemption();
                            return absl::OkStatus();
                          });
  });
}

grpc::Status ResponseAuthoringService::RevokeExemption(grpc::ServerContext* context,
                                                       const v1::RevokeExemptionRequest* request,
                                                       v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(
        call, *request, request->name(), "name", request->etag(), ReportForm::kFacts, response,
        [&](Change& change) -> absl::Status {
          const bool was_exempt = change.response.state() == v1::Response::EXEMPT;
          RETURN_IF_ERROR(rules::RevokeExemption(*request, change.doer, change.response));
          if (was_exempt) {
            auto& revoked = change.Tell<v1::ExemptionRevoked>();
            revoked.set_response(request->name());
            *revoked.mutable_revocation() = change.response.exemption().revocation();
            // Another body may have come in the place of this one meanwhile.
            change.effects.emplace_back([this, body = change.response.body().name()](db::Transaction& tx) {
              return AwaitSuccession(tx, body, jobs_);
            });
          }
          return absl::OkStatus();
        });
  });
}

grpc::Status ResponseAuthoringService::ListExemptions(grpc::ServerContext* context,
                                                      const v1::ListExemptionsRequest* request,
                                                      v1::ListExemptionsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return authoring::ListExemptions(call, database_, *request, *response);
  });
}

grpc::Status ResponseAuthoringService::ListRevisions(grpc::ServerContext* context,
                                                     const v1::ListRevisionsRequest* request,
                                                     v1::ListRevisionsResponse* response) {
  return server_.Serve(context, *request,
                       [&](rpc::Call& call) { return authoring::ListRevisions(call, database_, *request, *response); });
}

grpc::Status ResponseAuthoringService::GetRevision(grpc::ServerContext* context, const v1::GetRevisionRequest* request,
                                                   v1::Revision* response) {
  return server_.Serve(context, *request,
                       [&](rpc::Call& call) { return authoring::GetRevision(call, database_, *request, *response); });
}

grpc::Status ResponseAuthoringService::CompareRevisions(grpc::ServerContext* context,
                                                        const v1::CompareRevisionsRequest* request,
                                                        v1::CompareRevisionsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return authoring::CompareRevisions(call, database_, *request, *response);
  });
}

grpc::Status ResponseAuthoringService::ExplainConflict(grpc::ServerContext* context,
                                                       const v1::ExplainConflictRequest* request,
                                                       v1::ExplainConflictResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return authoring::ExplainConflict(call, database_, *request, *response);
  });
}

grpc::Status ResponseAuthoringService::CommentOnResponse(grpc::ServerContext* context,
                                                         const v1::CommentOnResponseRequest* request,
                                                         v1::Comment* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return authoring::CommentOnResponse(call, database_, log_, *request, *response);
  });
}

grpc::Status ResponseAuthoringService::ListComments(grpc::ServerContext* context,
                                                    const v1::ListCommentsRequest* request,
                                                    v1::ListCommentsResponse* response) {
  return server_.Serve(context, *request,
                       [&](rpc::Call& call) { return authoring::ListComments(call, database_, *request, *response); });
}

}  // namespace section55::authoring
