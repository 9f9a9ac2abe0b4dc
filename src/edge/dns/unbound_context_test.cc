// What libunbound says, as ours: made-up results, so that every odd one is there.
#include "edge/dns/unbound_context.h"

#include <gtest/gtest.h>
#include <unbound.h>

namespace godwit::dns {
namespace {

using std::string_literals::operator""s;

const Question kMx{"example.org", Type::mx};

// Owns what a ub_result points to.
struct Made {
  explicit Made(std::vector<std::string> rdata = {}) : strings(std::move(rdata)) {
    for (std::string& one : strings) {
      data.push_back(one.data());
      lengths.push_back(static_cast<int>(one.size()));
    }
    data.push_back(nullptr);
    lengths.push_back(0);
    result.data = data.data();
    result.len = lengths.data();
    result.havedata = strings.empty() ? 0 : 1;
    result.ttl = 100;
  }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;

  std::vector<std::string> strings;
  std::vector<char*> data;
  std::vector<int> lengths;
  ub_result result{};
};

TEST(UnboundContext, Records_SecureWithCanonicalName) {
  Made made({"\0\12\2mx\0"s});
  std::string canonical = "Mail.Example.NET.";
  made.result.canonname = canonical.data();
  made.result.secure = 1;
  const Response response = to_response(kMx, made.result);
  EXPECT_EQ(response.status, Status::records);
  EXPECT_EQ(response.security, Security::secure);
  EXPECT_EQ(response.canonical, "mail.example.net");
  EXPECT_EQ(response.ttl, std::chrono::seconds(100));
  EXPECT_EQ(std::get<std::vector<Mx>>(response.records).at(0), (Mx{10, "mx"}));
}

TEST(UnboundContext, Bogus_ComesWithDataAndRcode0_ButFails) {
  Made made({"\0\12\2mx\0"s});
  std::string why = "signature expired";
  made.result.bogus = 1;
  made.result.why_bogus = why.data();
  const Response response = to_response(kMx, made.result);
  EXPECT_EQ(response.status, Status::failed);
  EXPECT_EQ(response.security, Security::bogus);
  EXPECT_NE(response.reason.find(why), std::string::npos);
  EXPECT_TRUE(std::get<std::vector<IpAddress>>(response.records).empty());
  made.result.why_bogus = nullptr;
  EXPECT_TRUE(to_response(kMx, made.result).failed());
}

TEST(UnboundContext, Absence_OfDataAndOfName) {
  Made made;
  EXPECT_EQ(to_response(kMx, made.result).status, Status::no_data);
  EXPECT_EQ(to_response(kMx, made.result).canonical, "example.org");
  made.result.nxdomain = 1;
  made.result.rcode = 3;
  made.result.secure = 1;
  made.result.ttl = -1;
  const Response response = to_response(kMx, made.result);
  EXPECT_EQ(response.status, Status::nxdomain);
  EXPECT_EQ(response.security, Security::secure);
  EXPECT_EQ(response.ttl, std::chrono::seconds(0));
}

TEST(UnboundContext, Rcodes_OtherThanNxdomain_Fail) {
  for (const auto& [rcode, name] : {std::pair(1, "FORMERR"), {2, "SERVFAIL"}, {4, "NOTIMP"}, {5, "REFUSED"}, {9, "rcode 9"}}) {
    Made made;
    made.result.rcode = rcode;
    const Response response = to_response(kMx, made.result);
    EXPECT_TRUE(response.failed());
    EXPECT_NE(response.reason.find(name), std::string::npos) << response.reason;
  }
}

TEST(UnboundContext, UnreadableRecord_Fails) {
  Made made({"\0\12\2mx\0"s, "\0"s});
  const Response response = to_response(kMx, made.result);
  EXPECT_TRUE(response.failed());
  EXPECT_EQ(response.cause, Error::Cause::corrupt);
}

}  // namespace
}  // namespace godwit::dns
