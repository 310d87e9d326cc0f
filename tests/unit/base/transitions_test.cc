// The life of a resource as a table.
#include "libs/base/transitions.h"

#include <gtest/gtest.h>

#include "section55/deadlines/v1/deadline.pb.h"

namespace section55::base {
namespace {

using deadlines::v1::Deadline;

constexpr Transitions<Deadline::State, 3> kTable = {{
    {Deadline::PENDING, Deadline::PENDING, "a change"},
    {Deadline::PENDING, Deadline::MET, "publication"},
    {Deadline::MISSED, Deadline::MET, "publication"},
}};
static_assert(CanMove(kTable, Deadline::PENDING, Deadline::PENDING));
static_assert(!CanMove(kTable, Deadline::MET, Deadline::PENDING));

TEST(TransitionsTest, MovesAlongTheTableOnly) {
  Deadline deadline;
  deadline.set_name("bodies/a/deadlines/b");
  deadline.set_state(Deadline::PENDING);
  EXPECT_TRUE(Move(kTable, deadline, Deadline::PENDING).ok());
  EXPECT_TRUE(Move(kTable, deadline, Deadline::MET).ok());
  EXPECT_EQ(deadline.state(), Deadline::MET);
  const absl::Status refused = Move(kTable, deadline, Deadline::MET);
  EXPECT_EQ(ErrorInfoOf(refused).reason(), "WRONG_STATE");
  EXPECT_EQ(deadline.state(), Deadline::MET);
  EXPECT_EQ(refused.message(), "bodies/a/deadlines/b is MET; this needs PENDING or MISSED");
}

TEST(TransitionsTest, IsDrawn) {
  EXPECT_EQ(Draw(kTable, Deadline::State_Name<Deadline::State>),
            "PENDING -> PENDING: a change\nPENDING -> MET: publication\nMISSED -> MET: publication\n");
}

}  // namespace
}  // namespace section55::base
