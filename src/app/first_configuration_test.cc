#include "app/first_configuration.h"

#include <gtest/gtest.h>

#include "app/config.h"

namespace godwit::app {
namespace {

FirstConfiguration example() {
  FirstConfiguration wanted;
  wanted.domain = *smtp::parse_domain("example.org");
  wanted.hostname = *smtp::parse_domain("mail.example.org");
  wanted.data_dir = "/var/lib/godwit";
  wanted.certificate = "/etc/godwit/cert.pem";
  wanted.key = "/etc/godwit/key.pem";
  return wanted;
}

LoadedConfig loaded(const FirstConfiguration& wanted) {
  LoadedConfig config = parse_config(configuration_text(wanted), "g.toml");
  for (const auto& error : config.errors) ADD_FAILURE() << describe("g.toml", error);
  for (const auto& warning : config.warnings) ADD_FAILURE() << describe("g.toml", warning);
  return config;
}

TEST(FirstConfiguration, IsReadBackAsItWasMeant) {
  FirstConfiguration wanted = example();
  wanted.user = "godwit";
  wanted.run_dir = "/run/godwit";
  const Config config = loaded(wanted).config;
  EXPECT_EQ(config.hostname, "mail.example.org");
  EXPECT_EQ(config.data_dir, "/var/lib/godwit");
  EXPECT_EQ(config.run_dir, "/run/godwit");
  EXPECT_EQ(config.user, "godwit");
  EXPECT_EQ(config.tls_key, "/etc/godwit/key.pem");
  EXPECT_TRUE(config.relay_from.empty());
  EXPECT_TRUE(config.routes.empty());
  ASSERT_EQ(config.listeners.size(), 7u);
  const std::pair<std::string, int> expected[] = {{"smtp", 25},   {"submission", 587}, {"submissions", 465}, {"imap", 143},
                                                  {"imaps", 993}, {"pop3", 110},       {"pop3s", 995}};
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(config.listeners[i].protocol, expected[i].first);
    ASSERT_EQ(config.listeners[i].addresses.size(), 2u);
    EXPECT_EQ(config.listeners[i].addresses[0].port, expected[i].second);
    EXPECT_TRUE(config.listeners[i].addresses[1].address.v6);
  }
}

TEST(FirstConfiguration, WithoutIpv6_ListensOnIpv4Alone) {
  FirstConfiguration wanted = example();
  wanted.ipv6 = false;
  for (const auto& listener : loaded(wanted).config.listeners) {
    ASSERT_EQ(listener.addresses.size(), 1u);
    EXPECT_FALSE(listener.addresses[0].address.v6);
  }
}

TEST(FirstConfiguration, PathsOfEveryKind_SurviveQuoting) {
  FirstConfiguration wanted = example();
  wanted.data_dir = "/srv/a \"b\" \\c\n\td{}/data";
  EXPECT_EQ(loaded(wanted).config.data_dir, wanted.data_dir);
}

TEST(FirstConfiguration, RouteExample_IsGoodOnceUncommented) {
  std::string text = configuration_text(example());
  for (std::size_t at = text.find("\n#[["); at != std::string::npos && at + 1 < text.size(); at = text.find("\n#", at + 1))
    text.erase(at + 1, 1);
  const LoadedConfig config = parse_config(text, "g.toml");
  for (const auto& error : config.errors) ADD_FAILURE() << describe("g.toml", error);
  EXPECT_EQ(config.config.routes.size(), 1u);
}

TEST(FirstConfiguration, Hostname_IsTheMachinesOnlyWhenOthersCanUseIt) {
  const auto domain = *smtp::parse_domain("example.org");
  const auto chosen = [&](std::string_view machine) { return choose_hostname(machine, domain).text(); };
  EXPECT_EQ(chosen("mx1.example.org"), "mx1.example.org");
  EXPECT_EQ(chosen("MX.Provider.NET"), "mx.provider.net");
  EXPECT_EQ(chosen("example.org"), "example.org");
  for (const auto* machine : {"", "box", "localhost", "localhost.localdomain", "box.local", "box.lan", "ip-10-0-0-1.ec2.internal",
                              "nas.home.arpa", "[192.0.2.1]", "under_score.example.org"}) {
    SCOPED_TRACE(machine);
    EXPECT_EQ(chosen(machine), "mail.example.org");
  }
  std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(60, 'd');
  EXPECT_EQ(choose_hostname("", *smtp::parse_domain(longest)).text(), longest);
}

}  // namespace
}  // namespace godwit::app
