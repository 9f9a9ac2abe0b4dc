// /v1/accounts: what is set for an account, how it is changed, and each sentence that refuses.

#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>

#include "frontend/adminapi/control_fixture.h"

namespace godwit::adminapi {
namespace {

class AccountsResource : public ControlTest {
 protected:
  AccountsResource() {
    GODWIT_CHECK(world.add_domain("example.org").has_value() && world.add_account("bob@example.org", "secret").has_value());
    context.read_imap_without = [](std::vector<std::string> names) -> Result<std::vector<std::string>> {
      for (auto& name : names) {
        if (name == "IDEL")
          return fail(Error::permanent(Error::Cause::syntax, "\"IDEL\" is not a capability of this server; there are IDLE"));
        name = name == "idle" ? "IDLE" : name;
      }
      return names;
    };
  }

  http::Response set(const std::string& body) { return ask("PUT", kBob, body); }
  std::string without(const std::string& target = kBob) { return boost::json::serialize(parsed(ask("GET", target)).at("imap_without")); }
  static std::string sentence(const http::Response& response) { return std::string(parsed(response).at("error").as_string()); }

  static constexpr const char* kBob = "/v1/accounts/bob%40example.org";
};

TEST_F(AccountsResource, Show_SaysWhatIsSet) {
  const auto bob = parsed(ask("GET", kBob));
  EXPECT_EQ(bob.at("address").as_string(), "bob@example.org");
  EXPECT_GT(bob.at("id").to_number<int>(), 0);
  EXPECT_TRUE(bob.at("created").is_string());
  EXPECT_EQ(without(), "[]");
}

TEST_F(AccountsResource, ImapWithout_IsReadSetAndTakenBack) {
  const auto answer = set(R"({"imap_without": ["idle", "QRESYNC"]})");
  EXPECT_EQ(answer.status, 200u) << answer.body;
  EXPECT_EQ(parsed(answer), parsed(ask("GET", kBob)));
  EXPECT_EQ(without(), R"(["IDLE","QRESYNC"])");
  EXPECT_EQ(boost::json::serialize(parsed(ask("GET", "/v1/accounts")).at("accounts").at(0).at("imap_without")), R"(["IDLE","QRESYNC"])");
  EXPECT_EQ(ask("PUT", std::string(kBob) + "/password", R"({"password": "new"})").status, 200u);
  EXPECT_EQ(without(), R"(["IDLE","QRESYNC"])");
  EXPECT_EQ(set(R"({"imap_without": []})").status, 200u);
  EXPECT_EQ(without(), "[]");
}

TEST_F(AccountsResource, ImapWithout_ThatIsNothingOfOurs_ChangesNothing) {
  EXPECT_EQ(set(R"({"imap_without": ["IDLE"]})").status, 200u);
  const auto unknown = set(R"({"imap_without": ["MOVE", "IDEL"]})");
  EXPECT_EQ(unknown.status, 400u);
  EXPECT_EQ(sentence(unknown), "\"IDEL\" is not a capability of this server; there are IDLE");
  for (const std::string body : {"", "{}", R"({"imap_without": "IDLE"})", R"({"imap_without": [1]})", R"({"imap_without": null})",
                                 R"({"quota": 1})", R"({"imap_without": [], "quota": 1})"}) {
    SCOPED_TRACE(body);
    EXPECT_EQ(set(body).status, 400u);
    EXPECT_THAT(sentence(set(body)), ::testing::StartsWith("what may be set is {\"imap_without\""));
  }
  EXPECT_EQ(without(), R"(["IDLE"])");
}

TEST_F(AccountsResource, Nobody_IsSaid) {
  const std::string nobody = "/v1/accounts/nobody%40example.org";
  for (const auto& answer : {ask("GET", nobody), ask("PUT", nobody, R"({"imap_without": []})")}) {
    EXPECT_EQ(answer.status, 404u);
    EXPECT_EQ(sentence(answer), "there is no account nobody@example.org");
  }
  EXPECT_EQ(ask("GET", "/v1/accounts/nonsense").status, 400u);
  EXPECT_EQ(ask("PATCH", kBob).status, 404u);
}

}  // namespace
}  // namespace godwit::adminapi
