#include "app/quickstart.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace godwit::app {
namespace {

class Quickstart : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "quickstart-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    std::filesystem::permissions(pattern, std::filesystem::perms(0755));
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Result<QuickstartFiles> make(const std::string& dir) {
    GODWIT_ASSIGN(const auto place, choose_place(dir, ""));
    return make_quickstart_files(*smtp::parse_domain("example.org"), place, {});
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  static void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  static unsigned mode(const std::string& path) {
    struct stat found{};
    EXPECT_EQ(stat(path.c_str(), &found), 0) << path;
    return found.st_mode & 07777;
  }

  std::string directory_;
};

TEST_F(Quickstart, FreshDirectory_GetsConfigurationAndCertificate) {
  const mode_t before = umask(077);
  const auto made = make(directory_ + "/deep/er/");
  umask(before);
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_TRUE(made->config_made);
  EXPECT_TRUE(made->certificate_made);
  EXPECT_EQ(made->config.data_dir, directory_ + "/deep/er/data");
  EXPECT_EQ(mode(directory_ + "/deep"), 0755u);
  EXPECT_EQ(mode(directory_ + "/deep/er/godwit.toml"), 0644u);
  EXPECT_EQ(mode(directory_ + "/deep/er/cert.pem"), 0644u);
  EXPECT_EQ(mode(directory_ + "/deep/er/key.pem") & 07137, 0u);
}

TEST_F(Quickstart, Twice_ChangesNothing) {
  ASSERT_TRUE(make(directory_));
  const std::string config = read(directory_ + "/godwit.toml");
  const std::string key = read(directory_ + "/key.pem");
  const auto again = make(directory_);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_FALSE(again->config_made);
  EXPECT_FALSE(again->certificate_made);
  EXPECT_EQ(read(directory_ + "/godwit.toml"), config);
  EXPECT_EQ(read(directory_ + "/key.pem"), key);
}

TEST_F(Quickstart, HalfACertificate_IsAnErrorAndIsKept) {
  write(directory_ + "/cert.pem", "theirs");
  const auto made = make(directory_);
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().text.contains("key.pem is not")) << made.error().text;
  EXPECT_EQ(read(directory_ + "/cert.pem"), "theirs");
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/key.pem"));
}

TEST_F(Quickstart, ExistingConfiguration_IsObeyed) {
  write(directory_ + "/godwit.toml", "hostname = \"mx.example.net\"\ndata_dir = \"" + directory_ + "/elsewhere\"\n[tls]\ncertificate = \"" +
                                         directory_ + "/tls/c.pem\"\nkey = \"" + directory_ + "/tls/k.pem\"\n");
  const auto made = make(directory_);
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_FALSE(made->config_made);
  EXPECT_TRUE(made->certificate_made);
  EXPECT_EQ(made->config.hostname, "mx.example.net");
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/tls/k.pem"));
}

TEST_F(Quickstart, BrokenConfiguration_IsKeptAndEveryErrorNamed) {
  write(directory_ + "/godwit.toml", "hostname = \"mx.example.net\"\nwrong = 1\n[queue]\nexpire = \"5\"\n");
  const auto made = make(directory_);
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().text.contains(":2:")) << made.error().text;
  EXPECT_TRUE(made.error().text.contains(":4:")) << made.error().text;
}

TEST_F(Quickstart, FileInPlaceOfTheDirectory_IsAnError) {
  write(directory_ + "/file", "");
  const auto made = make(directory_ + "/file/below");
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().text.contains(directory_ + "/file")) << made.error().text;
}

TEST(QuickstartPlaceOf, DirectoryOrConfiguration) {
  EXPECT_EQ(choose_place("/srv/mail/", "/etc/godwit/godwit.toml")->config, "/srv/mail/godwit.toml");
  EXPECT_EQ(choose_place("/srv/mail", "")->data_dir, "/srv/mail/data");
  EXPECT_EQ(choose_place("", "/opt/g.toml")->config, "/opt/g.toml");
  EXPECT_EQ(choose_place("", "/opt/g.toml")->data_dir, "/var/lib/godwit");
  EXPECT_EQ(choose_place("here", "")->config.front(), '/');
}

TEST(QuickstartDomain, OnlyDomains) {
  EXPECT_EQ(parse_served_domain("Example.ORG")->text(), "example.org");
  EXPECT_EQ(parse_served_domain("b\xc3\xbc"
                                "cher.example")
                ->text(),
            "xn--bcher-kva.example");
  for (const auto* text :
       {"", "example", "[192.0.2.1]", "192.0.2.1", "ann@example.org", "a b.example", "-x.example", "a..b", "https://example.org"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(parse_served_domain(text));
  }
}

}  // namespace
}  // namespace godwit::app
