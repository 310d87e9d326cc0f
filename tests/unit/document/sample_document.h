// A document with everything that a document can have.
#pragma once

#include <string>
#include <utility>

#include "libs/document/document.h"
#include "libs/document/markdown.h"

namespace section55::document {

inline constexpr char kLongText[] =
    "My office commissions services for bereaved families and for children who have witnessed violence. The contracts "
    "were renewed "
    "in April and now ask providers for figures by district.\n\n"
    "Learning panels meet within twenty-eight days of every domestic homicide. Their findings reach front-line "
    "supervisors through a "
    "monthly bulletin and are **tested in dip samples** by the professional development team. I shall ask for the "
    "results at the "
    "accountability meeting in public each quarter.\n\n"
    "- The strategy names eleven thematic problems:\n"
    "  - from domestic homicide to *knife crime*,\n"
    "  - each with an owner, a measure and a date.\n"
    "- Until the vacancies are filled I do not regard this recommendation as met.\n\n"
    "The force has rewritten its homicide prevention strategy and put it under the Assistant Chief Constable who leads "
    "on public "
    "protection.";

inline Element ProseOf(std::string markdown, std::string label = "the text", std::string language = "") {
  return Element{Prose{.blocks = ParseMarkdown(markdown), .language = std::move(language), .label = std::move(label)}};
}

inline Element Note(std::string text) {
  return Element{Remark{.content = Words(std::move(text)), .kind = Remark::Kind::kNote}};
}

inline Document SampleDocument() {
  Document document{.author = "Police and Crime Commissioner for Norfolk",
                    .title = "Response to Safe to share?",
                    .subtitle = "Response under section 55 of the Police Act 1996",
                    .imprint = "Responses to police inspections: register.example/responses/norfolk-pcc/safe-to-share"};
  document.content.push_back(
      Element{Facts{.facts = {{.label = "Published",
                               .value = Words("9 February 2021, day 55 of 56"),
                               .mark = "In time",
                               .tone = Tone::kGood},
                              {.label = "Due", .value = Words("Wednesday 10 February 2021")},
                              {.label = "In answer to",
                               .value = LinkTo("https://www.justiceinspectorates.gov.uk/safe-to-share",
                                               "Safe to share? Report on "
                                               "Liberty and Southall Black Sisters\u2019 super-complaint")},
                              {.label = "Edition", .value = Words("1")}},
                    .boxed = true}});
  Overview glance{.caption = "The answers at a glance", .columns = {"Recommendation", "Answer", "To be complete by"}};
  glance.rows = {{LinkTo("#recommendation-1", "Recommendation 1"), Words("Action taken"), Words("No date")},
                 {LinkTo("#recommendation-4", "Recommendation 4"), Words("Action proposed"), Words("31 March 2021")}};
  document.content.push_back(Element{glance});
  document.content.push_back(
      Element{Section{.id = "key-findings",
                      .heading = "Key findings",
                      .content = {ProseOf(std::string(kLongText) +
                                          "\n\n> Victims must be safe to report.\n\n1. First\n2. Second\n")}}});
  Section answers{.id = "recommendations", .heading = "Recommendations and answers", .content = {}};
  for (const std::string number : {"1", "4"}) {
    Section finding{.id = "recommendation-" + number, .heading = "Recommendation " + number, .content = {}};
    finding.content = {
        Note("Addressed to: all chief constables"),
        ProseOf(
            "Where officers only have concerns or doubts about a victim\u2019s immigration status, **we recommend** "
            "that "
            "they immediately stop sharing information, until:\n\n- the Home Office review is *complete*;\n- and its "
            "results are known."),
        Element{Section{
            .id = "answer-" + number,
            .heading = "Answer of the Police and Crime Commissioner for Norfolk",
            .role = Section::Role::kAnswer,
            .content = {Element{Remark{.content = Words("Action proposed"), .kind = Remark::Kind::kMark}},
                        ProseOf(kLongText),
                        Element{Facts{.facts = {{.label = "Responsible", .value = Words("Assistant Chief Constable")},
                                                {.label = "Complete by", .value = Words("31 March 2021")}}}}}}},
        Element{Section{.id = "comment-" + number,
                        .heading = "Comment by R. Marsh, Assistant Chief Constable",
                        .role = Section::Role::kComment,
                        .content = {ProseOf(
                            "We review every domestic homicide within a month. See <https://example.org/a?b=c>.")}}}};
    answers.content.push_back(Element{finding});
  }
  document.content.push_back(Element{answers});
  document.content.push_back(Element{Section{
      .id = "comments",
      .heading = "Comments of the body",
      .content = {
          ProseOf("# Figures\n\n| District | 2019 | 2020 | Change |\n|---|---|---|---|\n| Breckland | 12 | 14 | +2 |\n"
                  "| King\u2019s Lynn and West Norfolk, with a name that goes on for a while | 3 | 7 | more than "
                  "twice as many as in the year before |\n\n## Code\n\n```\ncurl https://register.example\n\n  | "
                  "sha256sum\n```\n\nA line\\\nbroken by its writer, `code`, efficient office, \u0175 \u0177, "
                  "\u05e9\u05dc\u05d5\u05dd, \u0939\u093f\u0928\u094d\u0926\u0940, \u2192 and \U0001F600."),
          ProseOf("Mae\u2019r Comisiynydd yn derbyn yr argymhelliad hwn.", "the Welsh text", "cy")}}});
  return document;
}

}  // namespace section55::document
