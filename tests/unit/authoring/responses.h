// Safe to share? (17 December 2020) as the law's own example: recommendations 1 and 4 to chief constables, 5 jointly, 6 to local policing
// bodies, 2 and 3 to others; and Norfolk's response to it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "libs/base/proto_time.h"
#include "libs/testing/matchers.h"
#include "services/response-authoring/chief_officer.h"
#include "services/response-authoring/rules.h"

namespace section55::authoring::rules {

inline constexpr char kName[] = "bodies/norfolk-pcc/responses/safe-to-share";
inline const absl::CivilDay kToday(2021, 1, 11);

inline Doer By(std::string actor, absl::CivilDay today = kToday) {
  return {"people/" + actor, absl::FromCivil(today, absl::UTCTimeZone()) + absl::Hours(10), today};
}

inline registry::v1::Inspection SafeToShare() {
  registry::v1::Inspection inspection;
  inspection.set_name("inspections/safe-to-share");
  inspection.set_title("Safe to share?");
  inspection.set_basis(registry::v1::Inspection::STATUTE_S55);
  *inspection.mutable_publication_date() = base::ToProtoDate(absl::CivilDay(2020, 12, 17));
  for (int number = 1; number <= 6; ++number) {
    auto* finding = inspection.add_findings();
    finding->set_id("recommendation-" + std::to_string(number));
    finding->set_number(std::to_string(number));
    finding->set_kind(registry::v1::Finding::RECOMMENDATION);
    finding->set_text("Do this.");
  }
  return inspection;
}

inline v1::Response NewResponse(registry::v1::Inspection::Basis basis = registry::v1::Inspection::STATUTE_S55) {
  registry::v1::Inspection inspection = SafeToShare();
  inspection.set_basis(basis);
  registry::v1::Obligation obligation;
  obligation.mutable_body()->set_name("bodies/norfolk-pcc");
  obligation.mutable_force()->set_name("forces/norfolk");
  for (const int number : {1, 4, 5, 6}) {
    obligation.add_findings_to_answer("inspections/safe-to-share/findings/recommendation-" + std::to_string(number));
  }
  return Open(inspection, obligation, absl::FromUnixSeconds(1608195600));
}

inline v1::UpdateResponseRequest UpdateOf(const v1::Response& values, std::vector<std::string> paths) {
  v1::UpdateResponseRequest request;
  *request.mutable_response() = values;
  request.mutable_response()->set_name(kName);
  for (auto& path : paths) {
    request.mutable_update_mask()->add_paths(std::move(path));
  }
  return request;
}

inline v1::Answer AnswerTo(std::string finding, std::string explanation,
                           v1::Answer::Kind kind = v1::Answer::ACTION_TAKEN) {
  v1::Answer answer;
  answer.set_finding(std::move(finding));
  answer.set_kind(kind);
  answer.set_explanation(std::move(explanation));
  return answer;
}

inline v1::InviteChiefOfficerRequest InvitationFor(absl::CivilDay day) {
  v1::InviteChiefOfficerRequest request;
  *request.mutable_comments_due_date() = base::ToProtoDate(day);
  return request;
}

inline v1::SubmitChiefOfficerCommentsRequest Comments(std::string author, std::string text, std::string finding = "") {
  v1::SubmitChiefOfficerCommentsRequest request;
  auto* contribution = request.add_contributions();
  contribution->set_author(std::move(author));
  contribution->set_rank("Assistant Chief Constable");
  contribution->set_text(std::move(text));
  contribution->set_finding(std::move(finding));
  return request;
}

// A response that lacks nothing.
inline v1::Response Complete() {
  v1::Response response = NewResponse();
  EXPECT_THAT(Invite(InvitationFor(absl::CivilDay(2021, 1, 14)), By("author"), response), section55::testing::IsOk());
  EXPECT_THAT(AddContributions(Comments("A. Officer", "We agree."), By("chief"), response), section55::testing::IsOk());
  v1::Response values;
  values.set_comments("We welcome the report.");
  for (const char* number : {"1", "4", "5", "6"}) {
    *values.add_answers() = AnswerTo(std::string("recommendation-") + number, "Done.");
  }
  EXPECT_THAT(Update(UpdateOf(values, {"comments", "answers"}), By("author"), response), section55::testing::IsOk());
  return response;
}

// The same people on the force's side.
inline Doer ByForce(std::string actor, absl::CivilDay today = kToday) {
  Doer doer = By(std::move(actor), today);
  doer.for_force = true;
  return doer;
}

}  // namespace section55::authoring::rules
