#include "state/directory/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "edge/store/rocksdb_engine.h"
#include "state/directory/record.h"
#include "testing/forgetful_disk.h"
#include "testing/memory_engine.h"
#include "testing/rocksdb_on_disk.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TestLoop;
using Kind = Resolution::Kind;

smtp::Address address(std::string_view text) { return smtp::parse_address(text).value(); }
smtp::Domain domain(std::string_view text) { return smtp::parse_domain(text).value(); }

class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() { open(); }

  void open() { directory_ = std::make_unique<Directory>(engine_, pool_, loop_.clock(), random_); }
  void power_cut() {
    engine_.crash_forgetting_all();
    loop_.poll();
    directory_.reset();
    engine_.restart();
    open();
  }

  void add_domain(std::string_view name) { ASSERT_TRUE(loop_.run(directory_->add_domain(domain(name))).has_value()); }
  Account add(std::string_view text, std::string password = "secret") {
    auto account = loop_.run(directory_->add_account(address(text), std::move(password)));
    EXPECT_TRUE(account.has_value()) << (account ? "" : account.error().text);
    return account.value_or(Account{});
  }
  void alias(std::string_view text, std::vector<std::string> targets) {
    const auto added = loop_.run(directory_->add_alias(address(text), addresses(targets)));
    EXPECT_TRUE(added.has_value()) << (added ? "" : added.error().text);
  }
  static std::vector<smtp::Address> addresses(const std::vector<std::string>& texts) {
    std::vector<smtp::Address> out;
    for (const auto& text : texts) out.push_back(address(text));
    return out;
  }
  Resolution resolve(std::string_view text) { return loop_.run(directory_->resolve(address(text))).value(); }
  std::vector<std::string> expand(std::string_view text) {
    const auto expansion = loop_.run(directory_->expand(address(text))).value();
    std::vector<std::string> out;
    for (const auto& end : expansion.ends) out.push_back(end.text());
    if (out.empty()) out.push_back(expansion.kind == Kind::not_local ? "(not local)" : "(unknown)");
    return out;
  }
  std::string login(std::string name, std::string password) {
    const auto account = loop_.run(directory_->authenticate(std::move(name), std::move(password)));
    if (!account) return "error: " + account.error().text;
    return *account ? (*account)->address.text() : "(no)";
  }
  bool may_send(const Account& account, std::string_view sender) {
    return loop_.run(directory_->may_send_as(account, address(sender))).value();
  }
  template <class T>
  static std::string error_of(const Result<T>& result) {
    return result ? "" : result.error().text;
  }

  TestLoop loop_;
  testing::MemoryEngine engine_;
  BlockingPool pool_{0};
  testing::SeededRandom random_{1};
  std::unique_ptr<Directory> directory_;
};

TEST_F(DirectoryTest, Domain_IsLocalOnceAdded) {
  EXPECT_FALSE(loop_.run(directory_->is_local(domain("example.org"))).value());
  add_domain("example.org");
  EXPECT_TRUE(loop_.run(directory_->is_local(domain("EXAMPLE.org"))).value());
  EXPECT_FALSE(loop_.run(directory_->is_local(domain("sub.example.org"))).value());
  EXPECT_EQ(error_of(loop_.run(directory_->add_domain(domain("example.org")))), "example.org exists already");
  EXPECT_THAT(error_of(loop_.run(directory_->add_domain(domain("[192.0.2.1]")))), HasSubstr("a domain is a name"));
}

TEST_F(DirectoryTest, RemoveDomain_OnlyWhenEmpty) {
  add_domain("example.org");
  add("anna@example.org");
  EXPECT_THAT(error_of(loop_.run(directory_->remove_domain(domain("example.org")))), HasSubstr("still has 1 accounts or aliases"));
  ASSERT_TRUE(loop_.run(directory_->remove_account(address("anna@example.org"))).has_value());
  ASSERT_TRUE(loop_.run(directory_->remove_domain(domain("example.org"))).has_value());
  EXPECT_FALSE(loop_.run(directory_->is_local(domain("example.org"))).value());
  EXPECT_EQ(resolve("anna@example.org").kind, Kind::not_local);
  EXPECT_THAT(error_of(loop_.run(directory_->remove_domain(domain("example.org")))), HasSubstr("not a domain of this server"));
}

TEST_F(DirectoryTest, RemoveDomain_NameAddedMeanwhile_LosesOneOfBoth) {
  add_domain("example.org");
  // both have read before either writes: the domain's row decides
  engine_.hold();
  std::optional<Result<void>> removed, added;
  auto remove = [](Directory& from, std::optional<Result<void>>& out) -> Task<> {
    out = co_await from.remove_domain(domain("example.org"));
  };
  auto insert = [](Directory& from, std::optional<Result<void>>& out) -> Task<> {
    out = co_await from.add_alias(address("sales@example.org"), addresses({"a@example.net"}));
  };
  loop_.start(remove(*directory_, removed));
  loop_.start(insert(*directory_, added));
  loop_.poll();
  EXPECT_EQ(engine_.held(), 2u);
  engine_.release();
  loop_.run_until([&] { return removed && added; });
  EXPECT_TRUE(removed->has_value());
  EXPECT_THAT(error_of(*added), HasSubstr("add it first: godwit domain add example.org"));
}

TEST_F(DirectoryTest, Account_IsFoundWhateverItsSpelling) {
  add_domain("example.org");
  const Account anna = add("Anna@example.org");
  EXPECT_EQ(anna.id, 1u);
  for (const auto* spelling : {"Anna@example.org", "anna@Example.Org", "ANNA+news@example.org"}) {
    SCOPED_TRACE(spelling);
    const auto found = resolve(spelling);
    ASSERT_EQ(found.kind, Kind::account);
    EXPECT_EQ(found.account.id, anna.id);
    EXPECT_EQ(found.account.address.text(), "Anna@example.org");
  }
  EXPECT_EQ(resolve("bert@example.org").kind, Kind::unknown_user);
  EXPECT_EQ(resolve("anna@example.net").kind, Kind::not_local);
  EXPECT_FALSE(loop_.run(directory_->find_account(address("anna+x@example.org"))).value().has_value());
}

TEST_F(DirectoryTest, Account_Unicode_ComparedInNfc) {
  add_domain("example.org");
  const Account account = add("j\xc3\xbcrgen@example.org");
  EXPECT_EQ(resolve("ju\xcc\x88rgen@example.org").account.id, account.id);
  EXPECT_EQ(login("ju\xcc\x88rgen@example.org", "secret"), account.address.text());
}

TEST_F(DirectoryTest, AddAccount_Refusals) {
  EXPECT_EQ(error_of(loop_.run(directory_->add_account(address("anna@example.org"), "x"))),
            "example.org is not a domain of this server; add it first: godwit domain add example.org");
  add_domain("example.org");
  add("anna@example.org");
  alias("sales@example.org", {"anna@example.org"});
  EXPECT_EQ(error_of(loop_.run(directory_->add_account(address("ANNA@example.org"), "x"))), "ANNA@example.org exists already");
  EXPECT_THAT(error_of(loop_.run(directory_->add_account(address("sales@example.org"), "x"))), HasSubstr("is an alias"));
  EXPECT_THAT(error_of(loop_.run(directory_->add_account(address("*@example.org"), "x"))), HasSubstr("catch-all"));
  EXPECT_THAT(error_of(loop_.run(directory_->add_account(address("bert@example.org"), ""))), HasSubstr("empty password"));
}

TEST_F(DirectoryTest, AccountNumbers_AreNeverReused) {
  add_domain("example.org");
  EXPECT_EQ(add("a@example.org").id, 1u);
  ASSERT_TRUE(loop_.run(directory_->remove_account(address("a@example.org"))).has_value());
  EXPECT_EQ(add("a@example.org").id, 2u);
  power_cut();
  EXPECT_EQ(add("b@example.org").id, 3u);
}

TEST_F(DirectoryTest, TwoAddTheSameName_OneWins) {
  add_domain("example.org");
  engine_.hold();
  std::vector<Result<Account>> results;
  auto insert = [](Directory& to, std::vector<Result<Account>>& out) -> Task<> {
    out.push_back(co_await to.add_account(address("anna@example.org"), "x"));
  };
  loop_.start(insert(*directory_, results));
  loop_.start(insert(*directory_, results));
  while (results.size() < 2) {
    loop_.poll();
    engine_.release(2);
  }
  EXPECT_NE(results[0].has_value(), results[1].has_value());
  EXPECT_EQ(loop_.run(directory_->list_accounts(std::nullopt)).value().size(), 1u);
}

TEST_F(DirectoryTest, Account_SurvivesAPowerCut) {
  add_domain("example.org");
  const Account anna = add("anna@example.org", "swordfish");
  power_cut();
  EXPECT_EQ(resolve("anna@example.org").account.id, anna.id);
  EXPECT_EQ(login("anna@example.org", "swordfish"), "anna@example.org");
}

TEST_F(DirectoryTest, Resolve_SearchesInOrder) {
  add_domain("example.org");
  add("anna@example.org");
  add("bert@example.org");
  alias("anna+list@example.org", {"list@example.net"});
  EXPECT_EQ(resolve("anna+other@example.org").account.address.text(), "anna@example.org");
  EXPECT_EQ(resolve("anna+list@example.org").kind, Kind::alias);
  EXPECT_EQ(resolve("nobody@example.org").kind, Kind::unknown_user);
  alias("*@example.org", {"bert@example.org"});
  EXPECT_EQ(resolve("nobody@example.org").targets.at(0).text(), "bert@example.org");
  EXPECT_EQ(resolve("anna+other@example.org").kind, Kind::account);
}

TEST_F(DirectoryTest, Postmaster_FallsToTheOldestAccount) {
  add_domain("example.org");
  EXPECT_EQ(resolve("postmaster@example.org").kind, Kind::unknown_user);
  const Account anna = add("zoe@example.org");
  const Account bert = add("bert@example.org");
  EXPECT_EQ(resolve("Postmaster@example.org").account.id, anna.id);
  EXPECT_EQ(resolve("abuse+x@example.org").account.id, anna.id);
  EXPECT_TRUE(may_send(anna, "postmaster@example.org"));
  EXPECT_FALSE(may_send(bert, "postmaster@example.org"));
  ASSERT_TRUE(loop_.run(directory_->remove_account(address("zoe@example.org"))).has_value());
  EXPECT_EQ(resolve("postmaster@example.org").account.id, bert.id);
  alias("*@example.org", {"elsewhere@example.net"});
  EXPECT_EQ(resolve("postmaster@example.org").kind, Kind::alias);
  EXPECT_FALSE(may_send(bert, "postmaster@example.org"));
  alias("postmaster@example.org", {"pm@example.net"});
  EXPECT_EQ(expand("postmaster@example.org"), std::vector<std::string>{"pm@example.net"});
}

TEST_F(DirectoryTest, Cache_ForgetsWhatChanged) {
  add_domain("example.org");
  EXPECT_EQ(resolve("anna@example.org").kind, Kind::unknown_user);
  add("anna@example.org");
  EXPECT_EQ(resolve("anna@example.org").kind, Kind::account);
  ASSERT_TRUE(loop_.run(directory_->remove_account(address("anna@example.org"))).has_value());
  EXPECT_EQ(resolve("anna@example.org").kind, Kind::unknown_user);
  alias("anna@example.org", {"x@example.net"});
  EXPECT_EQ(expand("anna@example.org"), std::vector<std::string>{"x@example.net"});
  alias("anna@example.org", {"y@example.net"});
  EXPECT_THAT(expand("anna@example.org"), ElementsAre("x@example.net", "y@example.net"));
}

TEST_F(DirectoryTest, Alias_TargetsAreAddedAndTakenAway) {
  add_domain("example.org");
  alias("team@example.org", {"a@example.net", "b@example.net"});
  alias("Team@example.org", {"b@example.net", "c@example.net"});
  EXPECT_THAT(expand("team@example.org"), ElementsAre("a@example.net", "b@example.net", "c@example.net"));
  EXPECT_THAT(error_of(loop_.run(directory_->remove_alias(address("team@example.org"), addresses({"z@example.net"})))),
              HasSubstr("does not lead to z@example.net"));
  ASSERT_TRUE(loop_.run(directory_->remove_alias(address("team@example.org"), addresses({"a@example.net"}))).has_value());
  EXPECT_THAT(expand("team@example.org"), ElementsAre("b@example.net", "c@example.net"));
  ASSERT_TRUE(loop_.run(directory_->remove_alias(address("team@example.org"), {})).has_value());
  EXPECT_EQ(resolve("team@example.org").kind, Kind::unknown_user);
  EXPECT_THAT(error_of(loop_.run(directory_->remove_alias(address("team@example.org"), {}))), HasSubstr("there is no alias"));
}

TEST_F(DirectoryTest, Alias_Refusals) {
  add_domain("example.org");
  add("anna@example.org");
  EXPECT_THAT(error_of(loop_.run(directory_->add_alias(address("anna@example.org"), addresses({"x@example.net"})))),
              HasSubstr("is an account"));
  EXPECT_THAT(error_of(loop_.run(directory_->add_alias(address("x@example.net"), addresses({"anna@example.org"})))),
              HasSubstr("not a domain"));
  EXPECT_THAT(error_of(loop_.run(directory_->add_alias(address("x@example.org"), {}))), HasSubstr("at least one target"));
  std::vector<smtp::Address> many;
  for (int i = 0; i < 5'000; ++i) many.push_back(address("somebody" + std::to_string(i) + "@example.net"));
  EXPECT_THAT(error_of(loop_.run(directory_->add_alias(address("all@example.org"), many))), HasSubstr("too many targets"));
}

TEST_F(DirectoryTest, LastTargetTakenAway_RemovesTheAlias) {
  add_domain("example.org");
  alias("team@example.org", {"a@example.net"});
  ASSERT_TRUE(loop_.run(directory_->remove_alias(address("team@example.org"), addresses({"a@example.net"}))).has_value());
  EXPECT_EQ(resolve("team@example.org").kind, Kind::unknown_user);
  EXPECT_TRUE(loop_.run(directory_->remove_domain(domain("example.org"))).has_value());
}

TEST_F(DirectoryTest, Expand_FollowsAliasesOfAliases) {
  add_domain("example.org");
  add("anna@example.org");
  add("bert@example.org");
  alias("team@example.org", {"anna+team@example.org", "sales@example.org", "out@example.net"});
  alias("sales@example.org", {"bert@example.org", "anna@example.org", "ghost@example.org"});
  EXPECT_THAT(expand("team@example.org"), ElementsAre("anna+team@example.org", "bert@example.org", "ghost@example.org", "out@example.net"));
  EXPECT_THAT(expand("anna+x@example.org"), ElementsAre("anna+x@example.org"));
  EXPECT_THAT(expand("ghost@example.org"), ElementsAre("(unknown)"));
  EXPECT_THAT(expand("x@example.net"), ElementsAre("(not local)"));
}

TEST_F(DirectoryTest, Expand_LoopsEnd) {
  add_domain("example.org");
  add("anna@example.org");
  alias("a@example.org", {"b@example.org"});
  alias("b@example.org", {"A@example.org"});
  EXPECT_THAT(expand("a@example.org"), ElementsAre("(unknown)"));
  EXPECT_EQ(loop_.run(directory_->expand(address("a@example.org"))).value().trouble, Directory::AliasTrouble::circle);
  alias("b@example.org", {"anna@example.org"});
  EXPECT_THAT(expand("a@example.org"), ElementsAre("anna@example.org"));
  alias("self@example.org", {"self@example.org"});
  EXPECT_THAT(expand("self@example.org"), ElementsAre("(unknown)"));
  alias("*@example.org", {"nowhere@example.org"});
  EXPECT_THAT(expand("whoever@example.org"), ElementsAre("(unknown)"));
}

TEST_F(DirectoryTest, Expand_TooLongAChain_IsAnErrorNotALoss) {
  add_domain("example.org");
  add("anna@example.org");
  for (int i = 0; i < 11; ++i) alias("a" + std::to_string(i) + "@example.org", {"a" + std::to_string(i + 1) + "@example.org"});
  alias("a11@example.org", {"anna@example.org"});
  EXPECT_THAT(expand("a2@example.org"), ElementsAre("anna@example.org"));  // ten aliases
  const auto result = loop_.run(directory_->expand(address("a0@example.org"))).value();
  EXPECT_EQ(result.trouble, Directory::AliasTrouble::too_deep);
  EXPECT_TRUE(result.ends.empty());
}

TEST_F(DirectoryTest, Expand_TooManyAddresses_IsAnErrorNotALoss) {
  add_domain("example.org");
  for (int group = 0; group < 11; ++group) {
    std::vector<std::string> members;
    for (int i = 0; i < 1'000; ++i) members.push_back("m" + std::to_string(group * 1'000 + i) + "@example.net");
    alias("g" + std::to_string(group) + "@example.org", members);
  }
  alias("nearly@example.org", {"g0@example.org", "g1@example.org", "g2@example.org"});
  EXPECT_EQ(expand("nearly@example.org").size(), 3'000u);
  alias("all@example.org", {"g0@example.org", "g1@example.org", "g2@example.org", "g3@example.org", "g4@example.org", "g5@example.org",
                            "g6@example.org", "g7@example.org", "g8@example.org", "g9@example.org", "g10@example.org"});
  const auto result = loop_.run(directory_->expand(address("all@example.org"))).value();
  EXPECT_EQ(result.trouble, Directory::AliasTrouble::too_wide);
  EXPECT_TRUE(result.ends.empty());
}

TEST_F(DirectoryTest, MaySendAs_OwnNamesAndAliases) {
  add_domain("example.org");
  const Account anna = add("anna@example.org");
  const Account bert = add("bert@example.org");
  alias("sales@example.org", {"Anna+sales@example.org", "x@example.net"});
  alias("*@example.org", {"anna@example.org"});
  EXPECT_TRUE(may_send(anna, "ANNA@example.org"));
  EXPECT_TRUE(may_send(anna, "anna+any@example.org"));
  EXPECT_TRUE(may_send(anna, "sales@example.org"));
  EXPECT_TRUE(may_send(anna, "sales+x@example.org"));
  EXPECT_FALSE(may_send(bert, "sales@example.org"));
  EXPECT_FALSE(may_send(bert, "anna@example.org"));
  EXPECT_FALSE(may_send(anna, "whatever@example.org"));  // by catch-all alone
  EXPECT_FALSE(may_send(anna, "*@example.org"));
  EXPECT_FALSE(may_send(anna, "anna@example.net"));
}

TEST_F(DirectoryTest, Authenticate_KnowsItsOwn) {
  add_domain("example.org");
  add("anna@example.org", "swordfish");
  alias("sales@example.org", {"anna@example.org"});
  EXPECT_EQ(login("anna@example.org", "swordfish"), "anna@example.org");
  EXPECT_EQ(login("ANNA@EXAMPLE.ORG", "swordfish"), "anna@example.org");
  for (const auto* stranger : {"anna", "", "bert@example.org", "sales@example.org", "anna+x@example.org", "anna@example.net", "\x01\xff"}) {
    SCOPED_TRACE(stranger);
    const std::uint64_t before = directory_->password_checks();
    EXPECT_EQ(login(stranger, "swordfish"), "(no)");
    EXPECT_EQ(directory_->password_checks(), before + 1);
  }
  EXPECT_EQ(login("anna@example.org", "Swordfish"), "(no)");
}

TEST_F(DirectoryTest, PasswordChange_TakesEffectAtOnce) {
  add_domain("example.org");
  add("anna@example.org", "old");
  EXPECT_EQ(login("anna@example.org", "old"), "anna@example.org");
  ASSERT_TRUE(loop_.run(directory_->set_password(address("anna@example.org"), "new")).has_value());
  EXPECT_EQ(login("anna@example.org", "old"), "(no)");
  EXPECT_EQ(login("anna@example.org", "new"), "anna@example.org");
  const std::uint64_t checks = directory_->password_checks();
  EXPECT_EQ(login("anna@example.org", "new"), "anna@example.org");
  EXPECT_EQ(directory_->password_checks(), checks);
  EXPECT_THAT(error_of(loop_.run(directory_->set_password(address("x@example.org"), "new"))), HasSubstr("there is no account"));
}

TEST_F(DirectoryTest, ImapWithout_IsKeptAndTakenBack) {
  add_domain("example.org");
  const Account anna = add("Anna@example.org");
  add("bob@example.org");
  EXPECT_THAT(anna.imap_without, IsEmpty());
  const auto set = [this](std::string_view who, std::vector<std::string> names) {
    return error_of(loop_.run(directory_->set_imap_without(address(who), std::move(names))));
  };
  const auto of = [this](std::string_view who) { return loop_.run(directory_->find_account(address(who))).value()->imap_without; };
  EXPECT_THAT(of("anna@example.org"), IsEmpty());  // in the cache now
  EXPECT_EQ(set("anna@example.org", {"IDLE", "QRESYNC"}), "");
  EXPECT_THAT(of("anna@example.org"), ElementsAre("IDLE", "QRESYNC"));
  EXPECT_THAT(loop_.run(directory_->authenticate("anna@example.org", "secret")).value()->imap_without, ElementsAre("IDLE", "QRESYNC"));
  EXPECT_THAT(of("bob@example.org"), IsEmpty());
  ASSERT_TRUE(loop_.run(directory_->set_password(address("anna@example.org"), "new")).has_value());
  power_cut();
  EXPECT_THAT(of("anna@example.org"), ElementsAre("IDLE", "QRESYNC"));
  EXPECT_EQ(loop_.run(directory_->find_account(address("anna@example.org"))).value()->address.text(), "Anna@example.org");
  EXPECT_EQ(login("anna@example.org", "new"), "Anna@example.org");
  EXPECT_EQ(set("anna@example.org", {"MOVE"}), "");
  EXPECT_THAT(loop_.run(directory_->list_accounts(std::nullopt)).value().at(0).imap_without, ElementsAre("MOVE"));
  EXPECT_EQ(set("anna@example.org", {}), "");
  EXPECT_THAT(of("anna@example.org"), IsEmpty());
}

TEST_F(DirectoryTest, ImapWithout_OfAnAliasOrNobody_IsRefused) {
  add_domain("example.org");
  add("anna@example.org");
  alias("info@example.org", {"anna@example.org"});
  for (const auto* who : {"info@example.org", "x@example.org"}) {
    SCOPED_TRACE(who);
    const auto refused = loop_.run(directory_->set_imap_without(address(who), std::vector<std::string>(1, "IDLE")));
    EXPECT_EQ(error_of(refused), std::string("there is no account ") + who);
  }
}

TEST_F(DirectoryTest, RemovedAccount_IsGoneAndClosed) {
  add_domain("example.org");
  const Account anna = add("anna@example.org", "swordfish");
  EXPECT_EQ(login("anna@example.org", "swordfish"), "anna@example.org");
  ASSERT_TRUE(loop_.run(directory_->remove_account(address("anna@example.org"))).has_value());
  EXPECT_EQ(login("anna@example.org", "swordfish"), "(no)");
  EXPECT_EQ(resolve("anna@example.org").kind, Kind::unknown_user);
  EXPECT_EQ(engine_.dump(partition_of(anna.id), store::Keyspace::directory).size(), 1u);
  EXPECT_THAT(loop_.run(directory_->list_removals()).value(), ElementsAre(anna.id));
  EXPECT_THAT(error_of(loop_.run(directory_->remove_account(address("anna@example.org")))), HasSubstr("there is no account"));
}

TEST_F(DirectoryTest, FindCircle_NamesTheWayRound) {
  add_domain("example.org");
  add("bert@example.org");
  const auto circle = [this](std::string_view name, std::vector<std::string> targets) {
    std::string text;
    for (const auto& step : loop_.run(directory_->find_circle(address(name), addresses(targets))).value()) text += step.text() + " ";
    return text;
  };
  EXPECT_EQ(circle("loop@example.org", {"bert@example.org", "Loop@example.org"}), "loop@example.org Loop@example.org loop@example.org ");
  EXPECT_EQ(circle("loop@example.org", {"loop@example.org"}), "loop@example.org loop@example.org ");
  EXPECT_EQ(circle("loop@example.org", {"loop+tag@example.org"}), "loop@example.org loop+tag@example.org loop@example.org ");
  EXPECT_EQ(circle("loop@example.org", {"loop@example.net", "bert@example.org", "ghost@example.org"}), "");
  alias("a@example.org", {"bert@example.org", "b@example.org"});
  alias("b@example.org", {"a@example.org", "c@example.org"});  // found by expand()
  EXPECT_EQ(circle("c@example.org", {"a@example.org"}), "c@example.org a@example.org b@example.org c@example.org ");
  EXPECT_EQ(circle("d@example.org", {"a@example.org"}), "");
  // the catch-all takes what has no name of its own, postmaster too
  EXPECT_EQ(circle("*@example.org", {"ghost@example.org"}), "*@example.org ghost@example.org *@example.org ");
  EXPECT_EQ(circle("*@example.org", {"postmaster@example.org"}), "*@example.org postmaster@example.org *@example.org ");
  EXPECT_EQ(circle("*@example.org", {"bert+x@example.org"}), "");
  alias("e+tag@example.org", {"bert@example.org"});
  EXPECT_EQ(circle("e@example.org", {"e+tag@example.org"}), "");
}

TEST_F(DirectoryTest, PostmasterFor_IsOfTheNearestDomainServedHere) {
  const auto postmaster = [this](std::string hostname) {
    const auto found = loop_.run(directory_->postmaster_for(std::move(hostname))).value();
    return found ? found->text() : "nobody";
  };
  add_domain("example.org");
  EXPECT_EQ(postmaster("example.org"), "postmaster@example.org");
  EXPECT_EQ(postmaster("mx1.example.org"), "postmaster@example.org");
  EXPECT_EQ(postmaster("MX1.sub.Example.org"), "postmaster@example.org");
  add_domain("sub.example.org");
  EXPECT_EQ(postmaster("mx1.sub.example.org"), "postmaster@sub.example.org");
  EXPECT_EQ(postmaster("mx1.example.net"), "nobody");
  EXPECT_EQ(postmaster(""), "nobody");
  EXPECT_EQ(postmaster("no host"), "nobody");
}

TEST_F(DirectoryTest, Lists_AreComplete) {
  add_domain("b.example");
  add_domain("a.example");
  add_domain("aa.example");
  add("one@a.example");
  add("two@b.example");
  add("three@aa.example");
  alias("x@a.example", {"one@a.example"});
  std::vector<std::string> domains;
  for (const auto& each : loop_.run(directory_->list_domains()).value()) domains.push_back(each.text());
  EXPECT_THAT(domains, ElementsAre("a.example", "aa.example", "b.example"));
  EXPECT_EQ(loop_.run(directory_->list_accounts(std::nullopt)).value().size(), 3u);
  EXPECT_EQ(loop_.run(directory_->list_accounts(domain("a.example"))).value().at(0).address.text(), "one@a.example");
  EXPECT_EQ(loop_.run(directory_->list_accounts(domain("a.example"))).value().size(), 1u);
  EXPECT_EQ(loop_.run(directory_->list_aliases(domain("a.example"))).value().at(0).targets.size(), 1u);
  EXPECT_THAT(loop_.run(directory_->list_aliases(domain("b.example"))).value(), IsEmpty());
}

TEST_F(DirectoryTest, FullDisk_RefusesChangesAndStillAnswers) {
  add_domain("example.org");
  add("anna@example.org");
  engine_.set_full(true);
  const auto refused = loop_.run(directory_->add_account(address("bert@example.org"), "x"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().cause, Error::Cause::full);
  EXPECT_EQ(resolve("anna@example.org").kind, Kind::account);
  EXPECT_TRUE(loop_.run(directory_->remove_account(address("anna@example.org"))).has_value());
}

TEST_F(DirectoryTest, StoreFails_IsATemporaryErrorNotUnknownUser) {
  add_domain("example.org");
  add("anna@example.org");
  directory_.reset();
  open();
  engine_.crash_keeping_all();
  const auto failed = loop_.run(directory_->resolve(address("anna@example.org")));
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().kind, Error::Kind::temporary);
  const auto refused = loop_.run(directory_->authenticate("anna@example.org", "secret"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, Error::Kind::temporary);
}

TEST(DirectoryRecord, Damage_IsReported) {
  const std::string key = name_key(domain("example.org"), "anna");
  EXPECT_FALSE(decode_name(key, "\xff\xff").has_value());
  EXPECT_FALSE(decode_name(key, "").has_value());
  EXPECT_FALSE(decode_name("", "").has_value());
  const Account account{7, address("Anna@example.org"), WallTime(Duration(5))};
  const auto decoded = decode_name(key, encode_account(account));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(std::get<Account>(*decoded).address.text(), "Anna@example.org");
  EXPECT_THAT(std::get<Account>(*decoded).imap_without, IsEmpty());
  EXPECT_EQ(parse_removal_key(removal_key(7)), 7u);
  EXPECT_EQ(parse_removal_key("account/x"), std::nullopt);
}

// A batch that is still in its sync is in the way already, but cannot be read yet: asking again and again helps nobody.
TEST(DirectoryOnRocksDb, ChangesOfOneDomainDuringASlowSync_BothSucceed) {
  auto disk = std::make_shared<testing::ForgetfulDisk>(1);
  store::RocksDbSettings settings;
  settings.path = "/rows";
  settings.disk = disk;
  settings.file_system = testing::make_rocksdb_on_disk(disk);
  BlockingPool pool{1};
  TestLoop loop;
  testing::SeededRandom random{1};
  const auto engine = store::RocksDbEngine::open(std::move(settings), pool).value();
  Directory directory(*engine, pool, loop.clock(), random);
  ASSERT_TRUE(loop.run(directory.add_domain(domain("example.org"))));

  std::atomic<bool> slow{true};
  std::atomic<bool> syncing{false};
  disk->set_before_sync([&](const std::string&) {
    syncing = true;
    slow.wait(true);
  });
  std::vector<Result<void>> done;
  auto add = [](Directory& into, std::string name, std::vector<Result<void>>& results) -> Task<> {
    auto alias = address(name);
    std::vector<smtp::Address> targets(1, address("x@example.net"));
    results.push_back(co_await into.add_alias(std::move(alias), std::move(targets)));
  };
  loop.start(add(directory, "one@example.org", done));
  loop.run_until([&] { return syncing.load(); });
  loop.start(add(directory, "two@example.org", done));
  for (int i = 0; i < 20'000; ++i) loop.poll();  // it would have given up by now
  EXPECT_TRUE(done.empty());
  slow = false;
  slow.notify_all();
  loop.run_until([&] { return done.size() == 2; });
  for (const auto& result : done) EXPECT_TRUE(result) << result.error().text;
}

}  // namespace
}  // namespace godwit::directory
