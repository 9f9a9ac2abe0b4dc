#include "frontend/imapd/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace godwit::imapd {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> words(const CapabilityState& state, const std::vector<std::string>& without = {}) {
  std::istringstream in(capability_list(state, without));
  return {std::istream_iterator<std::string>(in), {}};
}

CapabilityState logged_in() {
  CapabilityState state;
  state.authenticated = true;
  state.append_limit = 1'000;
  return state;
}

TEST(Capabilities, BeforeTheLogin_WhatItTakesToGetIn) {
  CapabilityState state;
  EXPECT_EQ(capability_list(state, {}), "IMAP4rev1 IMAP4rev2 SASL-IR LITERAL- ID ENABLE LOGINDISABLED");
  state.tls_offered = true;
  EXPECT_EQ(capability_list(state, {}), "IMAP4rev1 IMAP4rev2 SASL-IR LITERAL- ID ENABLE STARTTLS LOGINDISABLED");
  state.may_log_in = true;  // from a network of plaintext_from
  EXPECT_EQ(capability_list(state, {}), "IMAP4rev1 IMAP4rev2 SASL-IR LITERAL- ID ENABLE STARTTLS AUTH=PLAIN AUTH=LOGIN");
  state.tls_offered = false;
  EXPECT_EQ(capability_list(state, {}), "IMAP4rev1 IMAP4rev2 SASL-IR LITERAL- ID ENABLE AUTH=PLAIN AUTH=LOGIN");
}

TEST(Capabilities, BehindTheLogin_NothingOfTheWayIn) {
  CapabilityState state = logged_in();
  state.tls_offered = state.may_log_in = true;
  const auto all = words(state);
  for (const std::string gone : {"STARTTLS", "LOGINDISABLED", "AUTH=PLAIN", "AUTH=LOGIN", "LITERAL-"})
    EXPECT_THAT(all, Not(Contains(gone)));
  for (const std::string there : {"LITERAL+", "IDLE", "QRESYNC", "THREAD=REFERENCES", "COMPRESS=DEFLATE", "APPENDLIMIT=1000"})
    EXPECT_THAT(all, Contains(there));
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size()) << "one of them is there twice";
}

TEST(Capabilities, Compressed_NoMoreCompressing) {
  CapabilityState state = logged_in();
  state.compressed = true;
  EXPECT_THAT(words(state), Not(Contains("COMPRESS=DEFLATE")));
}

// Everything that is announced can be switched off by its name, and then is neither announced nor there.
TEST(Capabilities, SwitchedOff_OneByOne) {
  for (const auto& announced : words(logged_in())) {
    SCOPED_TRACE(announced);
    std::string name = announced.substr(0, announced.find('=') == 11 ? 11 : std::string::npos);  // APPENDLIMIT=n
    for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    ASSERT_TRUE(is_known_capability(name));
    EXPECT_TRUE(has_capability(name, {}));
    EXPECT_FALSE(has_capability(name, {name}));
    const auto left = words(logged_in(), {name});
    EXPECT_THAT(left, Not(Contains(announced)));
    EXPECT_EQ(left.size(), words(logged_in()).size() - (name == "LITERAL+" ? 0 : 1));
  }
}

TEST(Capabilities, WithoutLiteralPlus_LiteralMinusIsLeft) {
  EXPECT_THAT(words(logged_in(), {"LITERAL+"}), Contains("LITERAL-"));
  EXPECT_THAT(capability_list(logged_in(), {"LITERAL-"}), Not(HasSubstr("LITERAL")));
}

TEST(Capabilities, Unknown_IsNotThere) {
  for (const std::string name : {"", "IMAP4", "imap4rev1", "ACL", "AUTH=PLAIN", "STARTTLS", "COMPRESS"}) {
    EXPECT_FALSE(is_known_capability(name)) << name;
    EXPECT_FALSE(has_capability(name, {})) << name;
  }
}

// --- What an operator types

TEST(ReadWithout, AnyCaseAndTwice_ComesOutSorted) {
  EXPECT_THAT(read_without({}).value(), ::testing::IsEmpty());
  EXPECT_THAT(read_without({"qresync", "Compress=Deflate", "IMAP4rev2", "QRESYNC"}).value(),
              ::testing::ElementsAre("COMPRESS=DEFLATE", "IMAP4REV2", "QRESYNC"));
}

TEST(ReadWithout, Unknown_IsToldWhatThereIs) {
  for (const std::string name : {"IDEL", "none", "", "AUTH=PLAIN", "STARTTLS"}) {
    SCOPED_TRACE(name);
    const auto refused = read_without({"IDLE", name});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().cause, Error::Cause::syntax);
    EXPECT_THAT(refused.error().text, HasSubstr("\"" + name + "\" is not a capability of this server; there are IMAP4rev2, "));
    EXPECT_THAT(refused.error().text, Not(HasSubstr("IMAP4rev1")));
  }
}

TEST(ReadWithout, TheLanguageItself_Stays) {
  EXPECT_EQ(read_without({"imap4rev1"}).error().text, "IMAP4rev1 is the language itself; it cannot be switched off");
}

// What the error of an unknown name lists may all be switched off.
TEST(ReadWithout, EveryNameOfTheList_IsTaken) {
  const std::string sentence = read_without({"?"}).error().text;
  std::istringstream list(sentence.substr(sentence.find("there are ") + 10));
  std::size_t count = 0;
  for (std::string name; std::getline(list >> std::ws, name, ','); ++count) EXPECT_TRUE(read_without({name}).has_value()) << name;
  EXPECT_GE(count, words(logged_in()).size() - 1);
}

}  // namespace
}  // namespace godwit::imapd
