#include "grammar/message/threading.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "grammar/message/link_forest.h"
#include "testing/seeded_random.h"

namespace godwit::message {
namespace {

using Ids = std::vector<std::string>;

ThreadMessage make(std::uint32_t number, std::string id, Ids references, std::string subject, int sent) {
  return {number, std::move(id), std::move(references), std::move(subject), std::chrono::sys_seconds(std::chrono::seconds(sent))};
}

std::string text(const ThreadForest& forest) {
  std::string out;
  append_threads(out, forest);
  return out;
}

std::string references(std::vector<ThreadMessage> messages) { return text(thread_references(messages)); }
std::string by_subject(std::vector<ThreadMessage> messages) { return text(thread_ordered_subject(messages)); }

// RFC 5256 4: the examples of the response
TEST(Threads, Response_AsTheRfcShows) {
  ThreadForest forest;
  forest.nodes = {{2, {}}, {3, {2}}, {6, {3, 5}}, {4, {4}}, {23, {}}, {44, {6}}, {7, {7}}, {96, {}}};
  forest.roots = {0, 1};
  EXPECT_EQ(text(forest), "(2)(3 6 (4 23)(44 7 96))");

  ThreadForest dummy;
  dummy.nodes = {{3, {}}, {5, {}}, {0, {0, 1}}};
  dummy.roots = {2};
  EXPECT_EQ(text(dummy), "((3)(5))");
  EXPECT_EQ(text({}), "");
}

TEST(ThreadOrderedSubject, BySubjectAndDate) {
  EXPECT_EQ(by_subject({}), "");
  EXPECT_EQ(by_subject({make(1, "", {}, "a", 10), make(2, "", {}, "b", 5), make(3, "", {}, "Re: A", 8), make(4, "", {}, "a (fwd)", 9)}),
            "(2)(3 (4)(1))");
  EXPECT_EQ(by_subject({make(1, "", {}, "a", 10), make(2, "", {}, "Re: a", 11)}), "(1 2)");
  EXPECT_EQ(by_subject({make(7, "", {}, "x", 1), make(9, "", {}, "y", 1), make(10, "", {}, "X", 1)}), "(7 10)(9)");  // ties: by place
}

TEST(ThreadReferences, Replies_AreBelow) {
  EXPECT_EQ(references({}), "");
  EXPECT_EQ(references({make(1, "a", {}, "s", 1), make(2, "b", {"a"}, "Re: s", 2), make(3, "c", {"a", "b"}, "Re: s", 3),
                        make(4, "d", {"a"}, "Re: s", 4)}),
            "(1 (2 3)(4))");
  // before those they answer
  EXPECT_EQ(references({make(1, "c", {"a", "b"}, "Re: s", 3), make(2, "b", {"a"}, "Re: s", 2), make(3, "a", {}, "s", 1)}), "(3 2 1)");
}

TEST(ThreadReferences, Siblings_BySentDateThenPlace) {
  EXPECT_EQ(references({make(1, "a", {}, "s", 1), make(2, "b", {"a"}, "x", 9), make(3, "c", {"a"}, "y", 5), make(4, "d", {"a"}, "z", 5)}),
            "(1 (3)(4)(2))");
  EXPECT_EQ(references({make(1, "a", {}, "x", 9), make(2, "b", {}, "y", 5), make(3, "c", {}, "z", 5)}), "(2)(3)(1)");
}

TEST(ThreadReferences, MissingMessages_AreDummies) {
  // no child of the root by promotion, unless it is the only one
  EXPECT_EQ(references({make(1, "b", {"a"}, "x", 2), make(2, "c", {"a"}, "y", 1)}), "((2)(1))");
  EXPECT_EQ(references({make(1, "b", {"a"}, "x", 2)}), "(1)");
  EXPECT_EQ(references({make(1, "d", {"a", "b", "c"}, "x", 2), make(2, "e", {"a"}, "y", 3)}), "((1)(2))");
  // below another one dummies go
  EXPECT_EQ(references({make(1, "a", {}, "s", 1), make(2, "d", {"a", "b", "c"}, "x", 2), make(3, "e", {"a", "b"}, "y", 3)}), "(1 (2)(3))");
  // a dummy's place is that of its first child
  EXPECT_EQ(references({make(1, "x", {}, "x", 5), make(2, "b", {"a"}, "p", 9), make(3, "c", {"a"}, "q", 3)}), "((3)(2))(1)");
}

TEST(ThreadReferences, AMessageWithoutReferences_HasNoParent) {
  // 2 says that 1 answers 0, and 1 says nothing: 1 (B)
  EXPECT_EQ(references({make(1, "zero", {}, "p", 1), make(2, "two", {"zero", "one"}, "q", 3), make(3, "one", {}, "r", 2)}), "(1)(3 2)");
}

TEST(ThreadReferences, ItsOwnWordCountsMore) {
  // 1 says: b is below a. b itself: below x
  EXPECT_EQ(references({make(1, "c", {"a", "b"}, "1", 3), make(2, "a", {}, "2", 1), make(3, "x", {}, "3", 1), make(4, "b", {"x"}, "4", 2)}),
            "(2)(3 4 1)");
}

TEST(ThreadReferences, Loops_AreNotClosed) {
  EXPECT_EQ(references({make(1, "a", {"a"}, "x", 1)}), "(1)");
  EXPECT_EQ(references({make(1, "a", {"b"}, "x", 1), make(2, "b", {"a"}, "y", 2)}), "(2 1)");
  EXPECT_EQ(references({make(1, "a", {"c", "b"}, "x", 1), make(2, "b", {"a", "c"}, "y", 2), make(3, "c", {"b", "a"}, "z", 3)}).size(),
            std::string("(1 2 3)").size());
  EXPECT_EQ(references({make(1, "q", {"a", "b", "a", "c", "b"}, "x", 1)}), "(1)");
}

TEST(ThreadReferences, DuplicateAndMissingMessageIds) {
  // the first has the id
  EXPECT_EQ(references({make(1, "a", {}, "x", 1), make(2, "a", {}, "y", 2), make(3, "b", {"a"}, "z", 3)}), "(1 3)(2)");
  EXPECT_EQ(references({make(1, "", {}, "x", 1), make(2, "", {}, "y", 2), make(3, "", {"b"}, "z", 3)}), "(1)(2)(3)");
}

TEST(ThreadReferences, Subjects_Merge) {
  // (C): a reply below what it answers, whatever comes first
  EXPECT_EQ(references({make(1, "a", {}, "s", 1), make(2, "b", {}, "Re: S", 2)}), "(1 2)");
  EXPECT_EQ(references({make(1, "a", {}, "Re: s", 1), make(2, "b", {}, "s", 2)}), "(2 1)");
  // both the same: a dummy
  EXPECT_EQ(references({make(1, "a", {}, "s", 1), make(2, "b", {}, "s", 2)}), "((1)(2))");
  EXPECT_EQ(references({make(1, "a", {}, "Re: s", 1), make(2, "b", {}, "Fwd: s", 2), make(3, "c", {}, "Re: s", 3)}), "((1)(2)(3))");
  // with a dummy: a sibling of its children
  EXPECT_EQ(references({make(1, "b", {"z"}, "s", 2), make(2, "c", {"z"}, "s", 3), make(3, "d", {}, "s", 1)}), "((3)(1)(2))");
  EXPECT_EQ(
      references({make(1, "b", {"z"}, "s", 2), make(2, "c", {"z"}, "t", 3), make(3, "d", {"y"}, "Re: s", 4), make(4, "e", {"y"}, "u", 5)}),
      "((1)(2)(3)(4))");
  // without a subject: alone
  EXPECT_EQ(references({make(1, "a", {}, "", 1), make(2, "b", {}, "", 2), make(3, "c", {}, "Re:", 3)}), "(1)(2)(3)");
  // merged ones are sorted among the others
  EXPECT_EQ(references({make(1, "a", {}, "s", 1), make(2, "b", {"a"}, "x", 9), make(3, "c", {}, "Re: s", 5)}), "(1 (3)(2))");
}

TEST(ThreadReferences, AChainOfAnyLength_TakesNoStackAndNoTime) {
  constexpr std::uint32_t kMany = 10'000;
  std::vector<ThreadMessage> forward;
  std::string expected = "(";
  for (std::uint32_t i = 1; i <= kMany; ++i) {
    forward.push_back(make(i, std::to_string(i), i > 1 ? Ids{std::to_string(i - 1)} : Ids{}, "s", static_cast<int>(i)));
    expected += (i > 1 ? " " : "") + std::to_string(i);
  }
  EXPECT_EQ(references(forward), expected + ")");
  std::ranges::reverse(forward);
  EXPECT_EQ(references(forward), expected + ")");
}

TEST(ThreadReferences, LongReferences_AreLinear) {
  std::vector<ThreadMessage> messages;
  for (std::uint32_t i = 1; i <= 2'000; ++i) {
    Ids ids;
    for (std::uint32_t j = i > 200 ? i - 200 : 1; j < i; ++j) ids.push_back(std::to_string(j));
    messages.push_back(make(i, i % 3 == 0 ? "" : std::to_string(i), ids, "s", 5));
  }
  const auto forest = thread_references(messages);
  EXPECT_FALSE(forest.roots.empty());
}

// Against parents found by walking up.
TEST(LinkForest, Random_DoesAsWalkingDoes) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    testing::SeededRandom random(seed);
    constexpr std::uint32_t kNodes = 40;
    LinkForest forest;
    std::vector<std::uint32_t> parents(kNodes, LinkForest::kNone);
    for (std::uint32_t i = 0; i < kNodes; ++i) ASSERT_EQ(forest.add(), i);
    for (int step = 0; step < 400; ++step) {
      const auto child = static_cast<std::uint32_t>(random.below(kNodes));
      const auto parent = static_cast<std::uint32_t>(random.below(kNodes));
      if (parents[child] != LinkForest::kNone) {
        forest.cut(child);
        parents[child] = LinkForest::kNone;
        continue;
      }
      std::uint32_t up = parent;
      while (up != child && up != LinkForest::kNone) up = parents[up];
      ASSERT_EQ(forest.link(child, parent), up != child) << "seed " << seed << " step " << step;
      if (up != child) parents[child] = parent;
      ASSERT_EQ(forest.parent(child), parents[child]);
    }
  }
}

}  // namespace
}  // namespace godwit::message
