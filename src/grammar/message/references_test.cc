#include "grammar/message/references.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::message {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(FindReferences, References_GoFirst) {
  EXPECT_THAT(find_references("In-Reply-To: <x@a>\r\nReferences: <1@a> <2@b>\r\n\t<3@c>\r\nSubject: x\r\n\r\n"),
              ElementsAre("1@a", "2@b", "3@c"));
  EXPECT_THAT(find_references("REFERENCES : <1@a>\n"), ElementsAre("1@a"));
  EXPECT_THAT(find_references("References: <\"01KF\"@x>\n"), ElementsAre("01KF@x"));  // RFC 5256 3: normalized
  EXPECT_THAT(find_references("References: <1@a>\nReferences: <2@a>\n"), ElementsAre("1@a"));
}

TEST(FindReferences, WithoutThem_TheFirstOfInReplyTo) {
  EXPECT_THAT(find_references("In-Reply-To: Your mail of Sunday <x@a> <y@b>\r\n\r\n"), ElementsAre("x@a"));
  EXPECT_THAT(find_references("References: nonsense\r\nIn-Reply-To: <x@a>\r\n\r\n"), ElementsAre("x@a"));
  EXPECT_THAT(find_references("References:\r\nIn-Reply-To: <x@a>\r\n\r\n"), ElementsAre("x@a"));
}

TEST(FindReferences, NothingElse_IsTaken) {
  EXPECT_THAT(find_references(""), IsEmpty());
  EXPECT_THAT(find_references("References-X: <1@a>\r\nX-References: <1@a>\r\nReferences\r\n: <1@a>\r\n"), IsEmpty());
  EXPECT_THAT(find_references("Subject: x\r\n References: <1@a>\r\n\r\nReferences: <1@a>\r\n"), IsEmpty());
}

TEST(FindReferences, EndlessOnes_AreBounded) {
  std::string header = "References:";
  for (int i = 0; i < 100'000; ++i) header += " <" + std::to_string(i) + "@a>\r\n";
  EXPECT_LE(find_references(header).size(), 1'000u);
}

}  // namespace
}  // namespace godwit::message
