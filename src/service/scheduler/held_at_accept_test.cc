// Messages that intake kept as held: the scheduler was never told of them, and still acts on them.

#include <gmock/gmock.h>

#include "service/scheduler/scheduler_fixture.h"

namespace godwit::scheduler {
namespace {

using namespace std::chrono_literals;

class HeldAtAcceptTest : public SchedulerFixture {
 protected:
  MessageId accept_held() {
    queue::Message held = make({"a@hold.test", "b@hold.test"});
    held.held = true;
    held.held_because = "its route says hold";
    EXPECT_TRUE(accept(held));
    return held.id;
  }
  void release_to(std::string_view host, MessageId id) {
    set_routes({{"hold.test", {std::string(host)}}});
    EXPECT_TRUE(act(id, Scheduler::Action::release));
  }
};

TEST_F(HeldAtAcceptTest, StaysUntilItIsReleased) {
  const MessageId id = accept_held();
  loop.advance(10 * 24h);
  EXPECT_TRUE(sites.attempts.empty());
  EXPECT_TRUE(act(id, Scheduler::Action::retry));
  EXPECT_TRUE(load(id)->held);
  release_to("smtp://far.test:25", id);
  EXPECT_EQ(sites.deliveries(id, "a@hold.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "b@hold.test"), 1u);
  EXPECT_EQ(queue->totals().messages, 0u);
  EXPECT_EQ(queue->totals().held, 0u);
}

TEST_F(HeldAtAcceptTest, IsThereAfterEveryKindOfEnd) {
  for (const Loss loss : {Loss::all, Loss::some, Loss::none}) {
    const MessageId id = accept_held();
    power_cut(loss);
    EXPECT_TRUE(load(id)->held);
    EXPECT_EQ(queue->totals().held, 1u);
    restart();
    EXPECT_EQ(queue->totals().held, 1u);
    release_to("smtp://far.test:25", id);
    EXPECT_EQ(sites.deliveries(id, "a@hold.test"), 1u);
    EXPECT_EQ(queue->totals().messages, 0u);
  }
}

TEST_F(HeldAtAcceptTest, Dropped_LeavesNothing) {
  const MessageId id = accept_held();
  EXPECT_TRUE(act(id, Scheduler::Action::drop));
  EXPECT_FALSE(load(id));
  EXPECT_EQ(engine.rows(store::Keyspace::waiting), 0u);
  EXPECT_EQ(engine.rows(store::Keyspace::due), 0u);
  EXPECT_TRUE(blobs.ids().empty());
}

}  // namespace
}  // namespace godwit::scheduler
