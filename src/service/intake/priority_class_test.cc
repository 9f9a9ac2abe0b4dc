#include "service/intake/priority_class.h"

#include <gmock/gmock.h>

namespace godwit::intake {
namespace {

using queue::keep_priority;
using queue::Urgency;
using queue::urgency_of;

smtp::Address address(std::string_view text) { return *smtp::parse_address(text); }

// RFC 6710 5 and Appendix B: three levels, what is in between counts as the next higher.
TEST(Priority, Levels) {
  for (int priority = -9; priority <= 9; ++priority) {
    EXPECT_EQ(queue::priority_of(keep_priority(priority)), priority);
    const Urgency expected = priority <= -4 ? Urgency::non_urgent : priority <= 0 ? Urgency::normal : Urgency::urgent;
    EXPECT_EQ(urgency_of(keep_priority(priority)), expected) << priority;
  }
  EXPECT_EQ(queue::priority_of(keep_priority(100)), 9);
  EXPECT_EQ(queue::priority_of(keep_priority(-100)), -9);
  EXPECT_EQ(keep_priority(0), 0) << "as rows have it that say nothing";
}

TEST(PriorityClass, FirstThatMatches_AndNoStranger) {
  std::vector<PriorityClass> classes(3);
  classes[0].sender.push_back(*routing::SenderPattern::parse("alerts@example.com"));
  classes[0].priority = keep_priority(4);
  classes[1].account.push_back(*routing::AddressPattern::parse("*@bulk.example.com"));
  classes[1].priority = keep_priority(-4);
  classes[2].tenant.push_back(*routing::DomainPattern::parse("example.com"));
  classes[2].priority = keep_priority(1);
  const smtp::ReversePath alerts(address("alerts@example.com"));
  const smtp::ReversePath other(address("other@example.com"));
  const smtp::Address bulk = address("news@bulk.example.com");
  EXPECT_EQ(priority_by_class(classes, alerts, true, nullptr, ""), keep_priority(4));
  EXPECT_EQ(priority_by_class(classes, alerts, false, nullptr, ""), 0) << "anybody can write that";
  EXPECT_EQ(priority_by_class(classes, other, true, &bulk, "example.com"), keep_priority(-4));
  EXPECT_EQ(priority_by_class(classes, other, false, nullptr, "example.com"), keep_priority(1));
  EXPECT_EQ(priority_by_class(classes, other, true, nullptr, "example.org"), 0);
  EXPECT_EQ(priority_by_class({}, alerts, true, &bulk, "example.com"), 0);
}

}  // namespace
}  // namespace godwit::intake
