#include "app/route_secrets.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace godwit::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RoutePasswordsTest : public ::testing::Test {
 protected:
  RoutePasswordsTest() : directory_(::testing::TempDir() + "route_secrets_" + std::to_string(::getpid())) {
    std::filesystem::create_directories(directory_);
  }
  ~RoutePasswordsTest() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, std::string_view text, mode_t mode = 0600) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  static Config with(const std::vector<std::string>& files) {
    Config config;
    for (const std::string& path : files) {
      routing::Route route{"*", {"smtp://relay.test"}};
      route.user = "anna";
      route.password_file = path;
      config.routes.push_back(std::move(route));
    }
    return config;
  }

  const std::string directory_;
};

TEST_F(RoutePasswordsTest, FirstLine_IsThePassword) {
  const std::string one = file("one", "se cret \nsecond line\n");
  const std::string two = file("two", "without an end");
  const std::string three = file("three", "from windows\r\n");
  const auto read = read_route_passwords(with({one, two, three, one}));
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_THAT(read.warnings, IsEmpty());
  EXPECT_EQ(read.by_file.at(one), "se cret ");
  EXPECT_EQ(read.by_file.at(two), "without an end");
  EXPECT_EQ(read.by_file.at(three), "from windows");
}

TEST_F(RoutePasswordsTest, Problems_NameTheFile) {
  const auto read =
      read_route_passwords(with({"/nonexistent/password", file("empty", "\nsecond\n"), file("long", std::string(2'000, 'x'))}));
  EXPECT_THAT(read.by_file, IsEmpty());
  EXPECT_THAT(read.problems, ElementsAre(HasSubstr("password_file /nonexistent/password cannot be read (No such file or directory)"),
                                         HasSubstr("has no password in its first line"), HasSubstr("more than 1,024 bytes")));
}

TEST_F(RoutePasswordsTest, ReadableByEverybody_IsAWarning) {
  const auto read = read_route_passwords(with({file("open", "secret\n", 0644)}));
  EXPECT_THAT(read.warnings, ElementsAre(HasSubstr("can be read by everybody on this machine: chmod o-rwx ")));
}

TEST_F(RoutePasswordsTest, PasswordForWhoeverAnswers_IsAWarning) {
  Config config = with({file("relay", "secret\n")});
  EXPECT_THAT(read_route_passwords(config).warnings, IsEmpty()) << "verified without a word";
  for (const std::string level : {"opportunistic", "encrypt"}) {
    config.routes[0].tls = level;
    config.routes[0].to = {"smtp://relay.test", "smtp://127.0.0.1"};
    EXPECT_THAT(read_route_passwords(config).warnings,
                ElementsAre(HasSubstr("the route to smtp://relay.test:25 has tls = \"" + level + "\": the password of anna goes to")));
    config.routes[0].to = {"smtp://127.0.0.1"};
    EXPECT_THAT(read_route_passwords(config).warnings, IsEmpty());
  }
  config.routes[0].to = {"smtp://relay.test"};
  for (const std::string level : {"verify", "none"}) {
    config.routes[0].tls = level;
    EXPECT_THAT(read_route_passwords(config).warnings, IsEmpty());
  }
}

TEST(VerifyingConnector, OnlyWhereARouteAsks) {
  Config config;
  config.routes.push_back({"*", {"smtp://relay.test"}});
  EXPECT_EQ(make_verifying_connector(config), nullptr);
  config.routes[0].to = {"smtps://relay.test"};
  EXPECT_NE(make_verifying_connector(config), nullptr);
  config.routes[0].tls = "encrypt";
  EXPECT_EQ(make_verifying_connector(config), nullptr);
  config.routes[0].tls = "verify";
  EXPECT_NE(make_verifying_connector(config), nullptr);
  config.routes[0].to = {"mx"};
  EXPECT_NE(make_verifying_connector(config), nullptr);
}

TEST(VerifyingConnector, SchemeInCapitals) {
  Config config;
  config.routes.push_back({"*", {"SMTPS://relay.test"}});
  EXPECT_NE(make_verifying_connector(config), nullptr);
  config.routes[0].to = {"SMTPS://127.0.0.1"};
  EXPECT_EQ(make_verifying_connector(config), nullptr) << "loopback: nobody looks at certificates";
}

}  // namespace
}  // namespace godwit::app
