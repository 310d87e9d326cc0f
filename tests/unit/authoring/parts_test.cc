#include "services/response-authoring/parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libs/testing/matchers.h"
#include "tests/unit/authoring/responses.h"

namespace section55::authoring::parts {
namespace {

using ::section55::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Names(const std::vector<Change>& changes) {
  std::vector<std::string> names;
  for (const Change& change : changes) {
    names.push_back(change.part);
  }
  return names;
}

TEST(Compare, TellsEveryPartThatChangedAndNoOther) {
  const v1::Response before = rules::Complete();
  EXPECT_THAT(Compare(before, before), IsEmpty());
  v1::Response after = before;
  after.set_key_findings("Key.");
  after.set_comments("Comments.");
  after.set_reply_to_chief_officer("Reply.");
  after.set_monitoring("Monitoring.");
  after.mutable_signatory()->set_name("A. Commissioner");
  after.mutable_answers(1)->set_explanation("Another.");
  after.mutable_chief_officer()->mutable_contributions(0)->set_author("Another");
  after.mutable_chief_officer()->mutable_comments_due_date()->set_day(20);
  after.set_state(v1::Response::IN_REVIEW);
  after.mutable_submission()->set_actor("people/author");
  // What is no part of it: when it was saved, who writes.
  after.mutable_update_time()->set_seconds(1);
  after.add_writers()->set_person("people/other");
  const std::vector<Change> changes = Compare(before, after);
  EXPECT_THAT(Names(changes),
              ElementsAre("key_findings", "comments", "reply_to_chief_officer", "monitoring", "signatory",
                          "answers/recommendation-4", "invitation", "contributions/contribution-1", "state"));
  v1::Response key;
  key.set_key_findings("Key.");
  EXPECT_EQ(changes[0].now.SerializeAsString(), key.SerializeAsString()) << "the part and nothing else";
  v1::Response answer;
  *answer.add_answers() = after.answers(1);
  EXPECT_EQ(changes[5].now.SerializeAsString(), answer.SerializeAsString());
  EXPECT_EQ(changes[6].now.chief_officer().contributions_size(), 0);
  EXPECT_EQ(changes[8].now.submission().actor(), "people/author");
}

TEST(Compare, WhatWasRemovedIsEmpty) {
  const v1::Response before = rules::Complete();
  v1::Response after = before;
  after.mutable_answers()->erase(after.answers().begin());
  after.mutable_chief_officer()->clear_contributions();
  after.clear_comments();
  const std::vector<Change> changes = Compare(before, after);
  EXPECT_THAT(Names(changes), ElementsAre("comments", "answers/recommendation-1", "contributions/contribution-1"));
  for (const Change& change : changes) {
    EXPECT_EQ(change.now.ByteSizeLong(), 0u) << change.part;
  }
}

TEST(Compare, ANewResponseBeginsItsHistoryWithItsState) {
  EXPECT_THAT(Names(Compare(v1::Response(), rules::NewResponse())), ElementsAre("state"));
}

}  // namespace
}  // namespace section55::authoring::parts
