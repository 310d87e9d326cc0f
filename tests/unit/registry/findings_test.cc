#include "services/inspection-registry/findings.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>
#include <initializer_list>

#include "tests/unit/registry/samples.h"

namespace section55::registry::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v1::Addressee;
using v1::Due;
using v1::Finding;

Finding Make(Finding::Kind kind, const std::string& number, const std::string& parent = "") {
  Finding finding;
  finding.set_kind(kind);
  finding.set_number(number);
  finding.set_text("Do it.");
  finding.set_parent(parent);
  if (kind == Finding::RECOMMENDATION) {
    finding.add_addressees()->set_kind(Addressee::ALL_CHIEF_CONSTABLES);
  }
  return finding;
}

std::vector<std::string> Violating(Findings findings) {
  FillFindingIds(findings);
  base::Violations violations;
  ValidateFindings(findings, "findings", violations);
  return FieldsOf(violations.ToStatus());
}

std::vector<std::string> Violating(std::initializer_list<Finding> list) {
  return Violating(Findings(list.begin(), list.end()));
}

std::vector<std::string> Violating(const std::function<void(Finding&)>& spoil) {
  Finding finding = Make(Finding::RECOMMENDATION, "1");
  spoil(finding);
  return Violating({finding});
}

std::string IdOf(Finding::Kind kind, const std::string& number) {
  Findings findings;
  *findings.Add() = Make(kind, number);
  FillFindingIds(findings);
  return findings[0].id();
}

TEST(FillFindingIds, ComeFromKindAndNumber) {
  EXPECT_EQ(IdOf(Finding::RECOMMENDATION, "5"), "recommendation-5");
  EXPECT_EQ(IdOf(Finding::AREA_FOR_IMPROVEMENT, "2"), "area-for-improvement-2");
  EXPECT_EQ(IdOf(Finding::CAUSE_OF_CONCERN, "1"), "cause-of-concern-1");
  EXPECT_EQ(IdOf(Finding::PRACTICE, ""), "practice");
  EXPECT_EQ(IdOf(Finding::RECOMMENDATION, "2A"), "recommendation-2a");
  EXPECT_EQ(IdOf(Finding::RECOMMENDATION, " 3.(b) "), "recommendation-3-b");
  EXPECT_EQ(IdOf(Finding::RECOMMENDATION, "½"), "recommendation");
  EXPECT_EQ(IdOf(Finding::KIND_UNSPECIFIED, "5"), "");
}

TEST(FillFindingIds, LeaveAGivenIdAlone) {
  Findings findings;
  *findings.Add() = Make(Finding::RECOMMENDATION, "5");
  findings[0].set_id("mine");
  FillFindingIds(findings);
  EXPECT_EQ(findings[0].id(), "mine");
}

TEST(ValidateFindings, AcceptsAReport) {
  EXPECT_THAT(Violating({Make(Finding::CAUSE_OF_CONCERN, "1"), Make(Finding::RECOMMENDATION, "1", "cause-of-concern-1"),
                         Make(Finding::RECOMMENDATION, "3"), Make(Finding::AREA_FOR_IMPROVEMENT, "1"),
                         Make(Finding::PRACTICE, "")}),
              IsEmpty());
  EXPECT_THAT(Violating(SafeToShare().findings()), IsEmpty());
}

TEST(ValidateFindings, IdsAreWellFormedAndUnique) {
  EXPECT_THAT(Violating([](Finding& finding) { finding.set_id("Recommendation 1"); }), ElementsAre("findings[0].id"));
  EXPECT_THAT(Violating({Make(Finding::RECOMMENDATION, "1"), Make(Finding::RECOMMENDATION, "1")}),
              ElementsAre("findings[1].id"));
  Finding other = Make(Finding::AREA_FOR_IMPROVEMENT, "7");
  other.set_id("recommendation-1");
  EXPECT_THAT(Violating({Make(Finding::RECOMMENDATION, "1"), other}), ElementsAre("findings[1].id"));
}

TEST(ValidateFindings, WantsKindTextAndAddressees) {
  EXPECT_THAT(Violating([](Finding& finding) { finding.clear_kind(); }), ElementsAre("findings[0].kind"));
  EXPECT_THAT(Violating([](Finding& finding) { finding.clear_text(); }), ElementsAre("findings[0].text"));
  EXPECT_THAT(Violating([](Finding& finding) { finding.clear_addressees(); }), ElementsAre("findings[0].addressees"));
  EXPECT_THAT(Violating({Make(Finding::AREA_FOR_IMPROVEMENT, "1")}), IsEmpty()) << "needs no addressee";
}

TEST(ValidateFindings, LimitsLengths) {
  const auto with_text = [](size_t characters) {
    return [characters](Finding& finding) {
      std::string text;
      for (size_t i = 0; i < characters; ++i) {
        text += "ŵ";
      }
      finding.set_text(text);
    };
  };
  EXPECT_THAT(Violating(with_text(20'000)), IsEmpty());
  EXPECT_THAT(Violating(with_text(20'001)), ElementsAre("findings[0].text"));
  EXPECT_THAT(Violating([](Finding& finding) { finding.set_number(std::string(20, '1')); }), IsEmpty());
  EXPECT_THAT(Violating([](Finding& finding) { finding.set_number(std::string(21, '1')); }),
              ElementsAre("findings[0].number"));
}

TEST(ValidateFindings, LimitsTheirNumber) {
  Findings findings;
  for (int i = 0; i < kMostFindings; ++i) {
    *findings.Add() = Make(Finding::RECOMMENDATION, std::to_string(i));
  }
  EXPECT_THAT(Violating(findings), IsEmpty());
  *findings.Add() = Make(Finding::RECOMMENDATION, "one more");
  EXPECT_THAT(Violating(findings), ElementsAre("findings"));
}

TEST(ValidateFindings, ParentsExistAndDoNotGoRound) {
  EXPECT_THAT(Violating({Make(Finding::RECOMMENDATION, "1", "cause-of-concern-9")}), ElementsAre("findings[0].parent"));
  EXPECT_THAT(Violating({Make(Finding::RECOMMENDATION, "1", "recommendation-1")}), ElementsAre("findings[0].parent"));
  // 1 -> 2 -> 3 -> 1 is a circle; 4 only hangs under it.
  EXPECT_THAT(Violating({Make(Finding::RECOMMENDATION, "1", "recommendation-2"),
                         Make(Finding::RECOMMENDATION, "2", "recommendation-3"),
                         Make(Finding::RECOMMENDATION, "3", "recommendation-1"),
                         Make(Finding::RECOMMENDATION, "4", "recommendation-1")}),
              ElementsAre("findings[0].parent", "findings[1].parent", "findings[2].parent"));
  EXPECT_THAT(Violating({Make(Finding::RECOMMENDATION, "1", "recommendation-2"),
                         Make(Finding::RECOMMENDATION, "2", "recommendation-3"), Make(Finding::RECOMMENDATION, "3")}),
              IsEmpty());
}

TEST(ValidateFindings, AddresseesAreNamedWhereTheKindAsksForIt) {
  const auto violating = [](int kind, const std::string& name) {
    return Violating([&](Finding& finding) {
      finding.mutable_addressees(0)->set_kind(static_cast<Addressee::Kind>(kind));
      finding.mutable_addressees(0)->set_name(name);
    });
  };
  const std::string name_field = "findings[0].addressees[0].name";
  EXPECT_THAT(violating(Addressee::FORCE, "forces/norfolk"), IsEmpty());
  EXPECT_THAT(violating(Addressee::FORCE, ""), ElementsAre(name_field));
  EXPECT_THAT(violating(Addressee::FORCE, "bodies/norfolk-pcc"), ElementsAre(name_field));
  EXPECT_THAT(violating(Addressee::LOCAL_POLICING_BODY, "bodies/norfolk-pcc"), IsEmpty());
  EXPECT_THAT(violating(Addressee::LOCAL_POLICING_BODY, "forces/norfolk"), ElementsAre(name_field));
  for (const auto kind : {Addressee::REGION, Addressee::CONDITIONAL, Addressee::OTHER}) {
    EXPECT_THAT(violating(kind, "any words"), IsEmpty());
    EXPECT_THAT(violating(kind, ""), ElementsAre(name_field));
    EXPECT_THAT(violating(kind, std::string(501, 'x')), ElementsAre(name_field));
  }
  EXPECT_THAT(violating(Addressee::HOME_OFFICE, ""), IsEmpty());
  EXPECT_THAT(violating(Addressee::HOME_OFFICE, "forces/norfolk"), ElementsAre(name_field));
  EXPECT_THAT(violating(Addressee::KIND_UNSPECIFIED, ""), ElementsAre("findings[0].addressees[0].kind"));
  EXPECT_THAT(violating(99, ""), ElementsAre("findings[0].addressees[0].kind"));
}

TEST(ValidateFindings, DueDatesFitTheirPrecision) {
  const auto violating = [](int precision, std::initializer_list<int> date, const std::string& words) {
    return Violating([&](Finding& finding) {
      Due& due = *finding.mutable_due();
      due.set_precision(static_cast<Due::Precision>(precision));
      due.set_words(words);
      if (date.size() == 3) {
        due.mutable_date()->set_year(date.begin()[0]);
        due.mutable_date()->set_month(date.begin()[1]);
        due.mutable_date()->set_day(date.begin()[2]);
      }
    });
  };
  EXPECT_THAT(violating(Due::IMMEDIATE, {}, ""), IsEmpty());
  EXPECT_THAT(violating(Due::IMMEDIATE, {2024, 1, 1}, ""), ElementsAre("findings[0].due.date"));
  EXPECT_THAT(violating(Due::DAY, {2024, 2, 29}, ""), IsEmpty());
  EXPECT_THAT(violating(Due::DAY, {2023, 2, 29}, ""), ElementsAre("findings[0].due.date"));
  EXPECT_THAT(violating(Due::DAY, {2024, 2, 0}, ""), ElementsAre("findings[0].due.date"));
  EXPECT_THAT(violating(Due::DAY, {}, ""), ElementsAre("findings[0].due.date"));
  EXPECT_THAT(violating(Due::MONTH, {2024, 1, 0}, "by January 2024"), IsEmpty());
  EXPECT_THAT(violating(Due::MONTH, {2024, 1, 31}, ""), ElementsAre("findings[0].due.date"));
  EXPECT_THAT(violating(Due::MONTH, {}, ""), ElementsAre("findings[0].due.date"));
  EXPECT_THAT(violating(Due::RELATIVE, {}, "within three months"), IsEmpty());
  EXPECT_THAT(violating(Due::RELATIVE, {}, ""), ElementsAre("findings[0].due.words"));
  EXPECT_THAT(violating(Due::RELATIVE, {2024, 1, 1}, "soon"), ElementsAre("findings[0].due.date"));
  EXPECT_THAT(violating(Due::IMMEDIATE, {}, std::string(201, 'x')), ElementsAre("findings[0].due.words"));
  EXPECT_THAT(violating(Due::PRECISION_UNSPECIFIED, {}, ""), ElementsAre("findings[0].due.precision"));
  EXPECT_THAT(violating(99, {}, ""), ElementsAre("findings[0].due.precision"));
}

TEST(ValidateFindings, SaysEverythingAtOnce) {
  Finding finding;
  finding.set_kind(Finding::RECOMMENDATION);
  finding.set_number("1\x01");
  finding.set_parent("nobody");
  finding.mutable_due();
  EXPECT_THAT(Violating({Make(Finding::PRACTICE, ""), finding}),
              ElementsAre("findings[1].number", "findings[1].text", "findings[1].addressees",
                          "findings[1].due.precision", "findings[1].parent"));
}

}  // namespace
}  // namespace section55::registry::rules
