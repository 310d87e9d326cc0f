// The reference case as response-authoring would send it: Norfolk answers "Safe to share?".
#pragma once

#include <google/protobuf/text_format.h>

#include <string>

#include "absl/time/time.h"
#include "libs/calendar/london.h"
#include "section55/authoring/v1/response.pb.h"

namespace section55::publication {

// 09:15:30 in London on a day.
inline absl::Time MorningOf(absl::CivilDay day) {
  return calendar::StartOfLondonDay(day) + absl::Hours(9) + absl::Minutes(15) + absl::Seconds(30);
}

inline authoring::v1::Response SampleResponse() {
  authoring::v1::Response response;
  const bool parsed = google::protobuf::TextFormat::ParseFromString(
      R"pb(
        name: "bodies/norfolk-pcc/responses/safe-to-share"
        inspection: "inspections/safe-to-share"
        state: APPROVED
        edition: 1
        report {
          name: "inspections/safe-to-share"
          title: "Safe to share?"
          kinds: [ SUPER_COMPLAINT, JOINT ]
          publishers: [ "HMICFRS", "IOPC", "College of Policing" ]
          publication_date { year: 2020 month: 12 day: 17 }
          url: "https://www.gov.uk/safe-to-share"
          basis: STATUTE_S55
          findings {
            id: "recommendation-1"
            number: "1"
            kind: RECOMMENDATION
            text: "Text of recommendation one:\n\n- first point\n  - nested point"
            addressees { kind: ALL_CHIEF_CONSTABLES }
            due { precision: RELATIVE words: "within three months" }
          }
          findings {
            id: "recommendation-2"
            number: "2"
            kind: RECOMMENDATION
            text: "Text of recommendation two."
            addressees { kind: HOME_OFFICE }
          }
          findings {
            id: "recommendation-5"
            number: "5"
            kind: RECOMMENDATION
            text: "Text of recommendation five."
            addressees { kind: CHIEF_CONSTABLES_AND_LOCAL_POLICING_BODIES }
            due {
              precision: MONTH
              date { year: 2021 month: 6 }
            }
          }
        }
        body {
          name: "bodies/norfolk-pcc"
          display_name: "Police and Crime Commissioner for Norfolk"
          kind: POLICE_AND_CRIME_COMMISSIONER
          force: "forces/norfolk"
          scrutiny_body: "Norfolk Police and Crime Panel"
        }
        force {
          name: "forces/norfolk"
          display_name: "Norfolk Constabulary"
          chief_officer_title: "Chief Constable"
          region: "East"
          territorial: true
        }
        findings_to_answer: "inspections/safe-to-share/findings/recommendation-1"
        findings_to_answer: "inspections/safe-to-share/findings/recommendation-5"
        key_findings: "The key findings, with a [link](https://example.org/findings)."
        chief_officer {
          invited_time { seconds: 1608300000 }
          contributions { author: "Simon Bailey" rank: "Chief Constable" text: "The general view of the force." }
          contributions {
            author: "Nick Davison"
            rank: "Assistant Chief Constable"
            finding: "inspections/safe-to-share/findings/recommendation-5"
            text: "The view of the force on number five."
          }
        }
        comments: "The commissioner comments on the report as a whole."
        answers {
          finding: "inspections/safe-to-share/findings/recommendation-5"
          kind: NO_ACTION
          explanation: "Nothing is needed for five, because it was done."
        }
        answers {
          finding: "inspections/safe-to-share/findings/recommendation-1"
          kind: ACTION_PROPOSED
          explanation: "We will do one.\n\n# A heading of the office\n\nMore of one."
          owner: "Head of Policy"
          target_date { year: 2021 month: 6 day: 30 }
        }
        reply_to_chief_officer: "The commissioner replies to the chief constable."
        monitoring: "Progress is monitored each quarter."
        signatory { name: "Lorne Green" title: "Police and Crime Commissioner for Norfolk" capacity: "acting" }
      )pb",
      &response);
  if (!parsed) {
    abort();
  }
  return response;
}

}  // namespace section55::publication
