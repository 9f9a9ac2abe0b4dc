#include <gtest/gtest.h>

#include "grammar/sasl/login.h"
#include "grammar/sasl/mechanism.h"
#include "grammar/sasl/plain.h"

namespace godwit::sasl {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::string challenge(const Step& step) {
  return std::holds_alternative<Challenge>(step) ? std::get<Challenge>(step).bytes : "no challenge";
}
bool failed(const Step& step) { return std::holds_alternative<Error>(step); }

TEST(Plain, Rfc4616Section4_Examples) {
  const auto tim = parse_plain("\0tim\0tanstaaftanstaaf"sv);
  ASSERT_TRUE(tim);
  EXPECT_EQ(tim->authzid, "");
  EXPECT_EQ(tim->authcid, "tim");
  EXPECT_EQ(tim->password, "tanstaaftanstaaf");
  const auto ursel = parse_plain("Ursel\0Kurt\0xipj3plmq"sv);
  ASSERT_TRUE(ursel);
  EXPECT_EQ(ursel->authzid, "Ursel");
  EXPECT_EQ(ursel->authcid, "Kurt");
}

TEST(Plain, WhatIsNone_IsRefused) {
  for (const auto bad : {""sv, "tim"sv, "\0tim"sv, "\0\0secret"sv, "\0tim\0"sv, "\0tim\0a\0b"sv, "\0t\xff\0x"sv, "\0tim\0\xc0\x80"sv,
                         "\xed\xa0\x80\0tim\0x"sv, "\0\xf5\x80\x80\x80\0x"sv, "\0t\xe2\x82\0x"sv})
    EXPECT_FALSE(parse_plain(bad)) << bad;
  EXPECT_TRUE(parse_plain("\0jürgen\0pä€𐍈"sv));
}

TEST(Plain, Limits) {
  const auto message = [](std::size_t name, std::size_t password) {
    return '\0' + std::string(name, 'n') + '\0' + std::string(password, 'p');
  };
  EXPECT_TRUE(parse_plain(message(255, 1024)));
  EXPECT_EQ(parse_plain(message(256, 1)).error().cause, Error::Cause::limit);
  EXPECT_EQ(parse_plain(message(1, 1025)).error().cause, Error::Cause::limit);
  EXPECT_EQ(parse_plain(std::string(20'000, 'x')).error().cause, Error::Cause::limit);
}

TEST(Plain, ClientAndServer_Agree) {
  const Credentials given{"boss", "jürgen", "secret"};
  auto client = make_client_mechanism("plain", given);
  auto server = make_server_mechanism("Plain");
  const auto done = server->start(*client->initial_response());
  ASSERT_TRUE(std::holds_alternative<Credentials>(done));
  EXPECT_EQ(std::get<Credentials>(done).authzid, "boss");
  EXPECT_EQ(std::get<Credentials>(done).password, "secret");
  EXPECT_TRUE(failed(server->step("again")));
  EXPECT_FALSE(client->step(""));
}

TEST(Plain, WithoutInitialResponse_AsksWithNothing) {
  auto client = make_client_mechanism("PLAIN", {"", "tim", "x"});
  auto server = make_server_mechanism("PLAIN");
  const auto asked = server->start(std::nullopt);
  ASSERT_EQ(challenge(asked), "");
  EXPECT_TRUE(std::holds_alternative<Credentials>(server->step(*client->step(challenge(asked)))));
  auto empty = make_server_mechanism("PLAIN");
  EXPECT_TRUE(failed(empty->start("")));
}

// draft-murchison-sasl-login 2.3
TEST(Login, Example) {
  LoginServer server;
  LoginClient client({"", "tim", "tanstaaftanstaaf"});
  EXPECT_FALSE(client.initial_response());
  const auto first = server.start(std::nullopt);
  EXPECT_EQ(challenge(first), "Username:");
  const auto second = server.step(*client.step(challenge(first)));
  EXPECT_EQ(challenge(second), "Password:");
  const auto done = server.step(*client.step(challenge(second)));
  ASSERT_TRUE(std::holds_alternative<Credentials>(done));
  EXPECT_EQ(std::get<Credentials>(done).authcid, "tim");
  EXPECT_EQ(std::get<Credentials>(done).password, "tanstaaftanstaaf");
  EXPECT_EQ(std::get<Credentials>(done).authzid, "");
  EXPECT_TRUE(failed(server.step("more")));
  EXPECT_FALSE(client.step("more"));
}

TEST(Login, InitialResponse_IsTheName) {
  LoginServer server;
  EXPECT_EQ(challenge(server.start("tim")), "Password:");
  EXPECT_TRUE(std::holds_alternative<Credentials>(server.step("\xff binary is allowed")));
  LoginServer empty;
  EXPECT_EQ(challenge(empty.start("")), "Username:");
}

TEST(Login, Mistakes_EndTheExchange) {
  for (const auto& name : {""s, "a\0b"s, "\xff"s, std::string(256, 'n'), std::string(13'000, 'n')}) {
    LoginServer server;
    ASSERT_EQ(challenge(server.start(std::nullopt)), "Username:");
    EXPECT_TRUE(failed(server.step(name)));
    EXPECT_TRUE(failed(server.step("tim")));
  }
  for (const auto& password : {""s, "a\0b"s, "a\rb"s, "a\nb"s, std::string(1'025, 'p')}) {
    LoginServer server;
    ASSERT_EQ(challenge(server.start("tim")), "Password:");
    EXPECT_TRUE(failed(server.step(password)));
  }
  LoginServer never_started;
  EXPECT_TRUE(failed(never_started.step("tim")));
  LoginServer twice;
  ASSERT_FALSE(failed(twice.start(std::nullopt)));
  EXPECT_TRUE(failed(twice.start(std::nullopt)));
}

TEST(MakeMechanism, Unknown_IsNull) {
  EXPECT_EQ(make_server_mechanism("CRAM-MD5"), nullptr);
  EXPECT_EQ(make_client_mechanism("", {}), nullptr);
}

}  // namespace
}  // namespace godwit::sasl
