#include "check/dkim/verify.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/crypto.h"
#include "check/dkim/dkim_fixture.h"
#include "check/dkim/plain_fixture.h"

namespace godwit::dkim {
namespace {

const std::string kName = "s._domainkey.example.org";
const std::string kEd25519Record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const std::string kHeader = "From: joe@example.org\r\nSubject:  Hi\r\n";
const std::string kBody = "Hello \r\n\r\nworld\r\n\r\n";

// A field signed by hand, whatever its tags say: "bh=" is filled in for the canonical body cut at `length`, then b=.
struct Forged {
  std::string tags = "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=s; h=from:subject";
  std::string fields = "From: joe@example.org\r\nSubject:  Hi\r\n";  // as hashed
  std::string body = "Hello \r\n\r\nworld\r\n";                      // canonical
  std::string behind;                                                // tags behind b=
  std::string end;                                                   // white space behind the value of b=

  std::string field(const crypto::PrivateKey& key = ed25519_key()) const {
    const std::string begin = "DKIM-Signature: " + tags + "; bh=" + base64_encode(crypto::sha256(body)) + "; b=";
    const std::string signature = key.sign(crypto::sha256(fields + begin + behind)).value();
    return begin + base64_encode(signature) + end + behind + "\r\n";
  }
  std::string message() const { return field() + kHeader + "\r\n" + kBody; }
};

struct Signed : World {
  Signed() { dns.add_txt(kName, kEd25519Record); }
  Verdict one(std::string_view message) {
    const auto verdicts = verify(message);
    EXPECT_EQ(verdicts.size(), 1u);
    return verdicts.empty() ? Verdict{} : verdicts.front();
  }
  std::string reason(std::string_view message) {
    const Verdict verdict = one(message);
    EXPECT_EQ(to_string(verdict.result), to_string(result_of(verdict.reason)));
    return std::string(to_string(verdict.reason));
  }
};

TEST(Verify, Rfc8463AppendixA_BothPass) {
  World world;
  world.dns.add_txt("brisbane._domainkey.football.example.com", kEd25519Record);
  world.dns.add_txt("test._domainkey.football.example.com", SigningKey::create("a.b", "s", rsa_key()).value().record());
  for (const std::size_t piece : {1UL, 3UL, 64UL, 100'000UL}) {
    world.piece = piece;
    const auto verdicts = world.verify(kRfc8463Message);
    ASSERT_EQ(verdicts.size(), 2u);
    for (const Verdict& verdict : verdicts) {
      EXPECT_EQ(verdict.result, Result::pass) << verdict.text;
      EXPECT_EQ(verdict.domain, "football.example.com");
      EXPECT_EQ(verdict.identity, "@football.example.com");
      EXPECT_TRUE(verdict.dependable());
    }
    EXPECT_EQ(verdicts[0].selector, "brisbane");
    EXPECT_EQ(verdicts[0].key_bits, 256u);
    EXPECT_EQ(verdicts[1].algorithm, "rsa-sha256");
    EXPECT_EQ(verdicts[1].key_bits, 1'024u);
    EXPECT_EQ(verdicts[1].text, "the signature of football.example.com verifies (rsa-sha256, 1024 bits)");
    EXPECT_EQ(overall(verdicts), Result::pass);
    using Properties = std::vector<std::pair<std::string_view, std::string>>;
    EXPECT_EQ(authentication_properties(verdicts[0]), (Properties{{"header.d", "football.example.com"},
                                                                  {"header.i", "@football.example.com"},
                                                                  {"header.s", "brisbane"},
                                                                  {"header.a", "ed25519-sha256"},
                                                                  {"header.b", "/gCrinpc"}}));
  }
}

TEST(Verify, NotSigned_NoVerdict) {
  World world;
  EXPECT_TRUE(world.verify("From: x@example.org\r\n\r\nHi\r\n").empty());
  EXPECT_TRUE(world.verify("").empty());
  EXPECT_TRUE(world.verify("\r\nDKIM-Signature: in the body\r\n").empty());
  EXPECT_EQ(overall({}), Result::none);
  EXPECT_EQ(world.dns.questions(), 0u);
}

TEST(Verify, SignedByHand_Passes) {
  Signed world;
  Forged forged;
  EXPECT_EQ(world.reason(forged.message()), "verified");
  forged.behind = "; t=1; z=b=abc; x=99999999999999 ";
  EXPECT_EQ(world.reason(forged.message()), "verified");
  forged.end = " \t\r\n ";  // RFC 6376 3.7: deleted with the value of b=
  EXPECT_EQ(world.reason(forged.message()), "verified");
  forged.tags += "; q=dns/txt; i=joe@example.org";
  EXPECT_EQ(world.reason(forged.message()), "verified");
  EXPECT_EQ(world.one(forged.message()).identity, "joe@example.org");
}

TEST(Verify, NameOfTheFieldInAnyCase) {
  Signed world;
  Forged forged;
  std::string message = forged.message();
  message.replace(0, 14, "dkim-SIGNATURE");
  EXPECT_EQ(world.reason(message), "signature_wrong");  // simple: the name is signed as it is
  forged.tags.replace(forged.tags.find("c=simple"), 8, "c=relaxed");
  forged.fields = "from:joe@example.org\r\nsubject:Hi\r\n";
  const std::string begin = "DKIM-Signature : " + forged.tags + "; bh=" + base64_encode(crypto::sha256(forged.body)) + ";  b=";
  const std::string signature = ed25519_key().sign(crypto::sha256(forged.fields + plain::field(Canonicalization::relaxed, begin))).value();
  EXPECT_EQ(world.reason("dkim-SIGNATURE\t:\r\n " + begin.substr(17) + base64_encode(signature) + "\r\n" + kHeader + "\r\n" + kBody),
            "verified");
}

TEST(Verify, Changes_Fail) {
  Signed world;
  const std::string message = Forged().message();
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string out = message;
    out.replace(out.find(from), from.size(), to);
    return world.reason(out);
  };
  EXPECT_EQ(changed("world", "World"), "body_changed");
  EXPECT_EQ(changed("Hello \r\n", "Hello\r\n"), "body_changed");
  EXPECT_EQ(changed("world\r\n\r\n", "world\r\n"), "verified");
  EXPECT_EQ(changed("world\r\n\r\n", "world"), "verified");
  EXPECT_EQ(changed("joe@", "jim@"), "signature_wrong");
  EXPECT_EQ(changed("Subject:  Hi", "Subject: Hi"), "signature_wrong");
  EXPECT_EQ(changed("s=s; h", "s=s;  h"), "signature_wrong");
  EXPECT_EQ(changed("\r\n\r\nHello", "\r\nSubject: more\r\n\r\nHello"), "signature_wrong");
  EXPECT_EQ(changed("From", "Subject: on top\r\nFrom"), "verified");  // one Subject was signed: the last
  EXPECT_EQ(world.one(message).result, Result::pass);
}

TEST(Verify, Oversigned_NoFieldCanBeAdded) {
  Signed world;
  Forged forged;
  forged.tags = "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=s; h=from:from:subject:subject:reply-to";
  const std::string message = forged.message();
  EXPECT_EQ(world.reason(message), "verified");
  EXPECT_EQ(world.reason("Received: x\r\n" + message), "verified");
  EXPECT_EQ(world.reason("Subject: on top\r\n" + message), "signature_wrong");
  EXPECT_EQ(world.reason("Reply-To: evil@example.com\r\n" + message), "signature_wrong");
}

TEST(Verify, MoreAuthorsThanSigned_Refused) {
  Signed world;
  const std::string message = Forged().message();
  EXPECT_EQ(world.reason("From: ceo@example.org\r\n" + message), "from_not_signed");
}

TEST(Verify, MissingBody_HashedAsEmpty) {
  Signed world;
  Forged forged;
  forged.body = "\r\n";
  const std::string message = forged.field() + "From: joe@example.org\r\nSubject:  Hi";
  EXPECT_EQ(world.reason(message), "verified");
  EXPECT_EQ(world.reason(message + "\r\n"), "verified");
  EXPECT_EQ(world.reason(message + "\r\n\r\n"), "verified");
  EXPECT_EQ(world.reason(message + "\r\n\r\n\r\n\r\n"), "verified");
  EXPECT_EQ(world.reason(message + "\r\n\r\nx"), "body_changed");
}

TEST(Verify, BodyLength_ReportedAndDistrusted) {
  Signed world;
  Forged forged;
  forged.tags += "; l=5";
  forged.body = "Hello";
  Verdict verdict = world.one(forged.message());
  EXPECT_EQ(verdict.result, Result::pass);
  EXPECT_EQ(verdict.length, 5u);
  EXPECT_EQ(verdict.unsigned_bytes, 12u);
  EXPECT_FALSE(verdict.dependable());
  EXPECT_NE(verdict.text.find("the last 12 bytes of the body are not signed"), std::string::npos) << verdict.text;

  forged.tags.replace(forged.tags.find("l=5"), 3, "l=17");  // all of it
  forged.body = "Hello \r\n\r\nworld\r\n";
  verdict = world.one(forged.message());
  EXPECT_EQ(verdict.result, Result::pass);
  EXPECT_EQ(verdict.unsigned_bytes, 0u);
  EXPECT_TRUE(verdict.dependable());

  forged.tags.replace(forged.tags.find("l=17"), 4, "l=18");
  EXPECT_EQ(world.reason(forged.message()), "body_too_short");
  forged.tags.replace(forged.tags.find("l=18"), 4, "l=" + std::string(76, '9'));
  EXPECT_EQ(world.reason(forged.message()), "body_too_short");

  forged = Forged();
  forged.tags += "; l=0";
  forged.body = "";
  EXPECT_EQ(world.one(forged.message()).unsigned_bytes, 17u);
}

TEST(Verify, Clock) {
  Signed world;
  const auto now = std::chrono::floor<std::chrono::seconds>(world.now()).time_since_epoch().count();
  const auto with = [&](const std::string& tags) {
    Forged forged;
    forged.behind = "; " + tags;
    return world.reason(forged.message());
  };
  EXPECT_EQ(with(fmt::format("t={}; x={}", now - 10, now + 1)), "verified");
  EXPECT_EQ(with(fmt::format("x={}", now)), "verified");
  EXPECT_EQ(with(fmt::format("x={}", now - 1)), "expired");
  EXPECT_EQ(with(fmt::format("t={}", now + 86'400)), "verified");
  EXPECT_EQ(with(fmt::format("t={}", now + 86'401)), "from_the_future");
  EXPECT_EQ(with("t=1234567890123"), "from_the_future");
  world.options.expiry_grace = std::chrono::minutes(5);
  EXPECT_EQ(with(fmt::format("x={}", now - 300)), "verified");
  EXPECT_EQ(with(fmt::format("x={}", now - 301)), "expired");
  EXPECT_EQ(world.dns.questions(), 4u);  // none for those that are over
}

TEST(Verify, BrokenField_PermerrorWithoutAQuestion) {
  Signed world;
  for (const std::string& field : std::vector<std::string>{"synerr", "", "v=1", "v=1; a=rsa-sha256; d=example.org"}) {
    const Verdict verdict = world.one("DKIM-Signature: " + field + "\r\nFrom: x\r\n\r\n");
    EXPECT_EQ(verdict.result, Result::permerror);
    EXPECT_EQ(authentication_result(verdict), "neutral");
    EXPECT_FALSE(verdict.text.empty());
  }
  Forged forged;
  forged.tags.replace(forged.tags.find("ed25519-sha256"), 14, "rsa-sha1");
  EXPECT_EQ(world.reason(forged.message()), "historic");
  EXPECT_EQ(authentication_result(world.one(forged.message())), "permerror");
  EXPECT_EQ(world.dns.questions(), 0u);
}

TEST(Verify, Keys) {
  struct Case {
    const char* name;
    std::string record;
    std::string reason;
  };
  const std::string p = "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  const Case cases[] = {
      {"revoked", "k=ed25519; p=", "key_revoked"},
      {"revoked, of another type", "p=", "key_revoked"},
      {"no version", "k=ed25519; " + p, "verified"},
      {"other version", "v=DKIM2; k=ed25519; " + p, "key_syntax"},
      {"no p=", "k=ed25519", "key_syntax"},
      {"rubbish", "hello world", "key_syntax"},
      {"empty", "", "key_syntax"},
      {"other type", "k=rsa; p=" + base64_encode(rsa_key().public_key().to_bytes()), "key_unsuitable"},
      {"unknown type", "k=foobar; " + p, "key_unsuitable"},
      {"k= left out is rsa", p, "key_unsuitable"},
      {"other hash", "k=ed25519; h=sha1; " + p, "key_unsuitable"},
      {"this hash too", "k=ed25519; h=sha1:sha256; " + p, "verified"},
      {"other service", "k=ed25519; s=chat; " + p, "key_unsuitable"},
      {"this service too", "k=ed25519; s=chat:email; " + p, "verified"},
      {"wrong length", "k=ed25519; p=AAAA", "key_syntax"},
      {"another key", "k=ed25519; p=pP+YUyRjAvKha4Oc49KAY703oLUS1NLMEuGD3IHMKww=", "signature_wrong"},
      {"strict", "k=ed25519; t=s; " + p, "verified"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    World world;
    world.dns.add_txt(kName, each.record);
    const auto verdicts = world.verify(Forged().message());
    ASSERT_EQ(verdicts.size(), 1u);
    EXPECT_EQ(to_string(verdicts[0].reason), each.reason) << verdicts[0].text;
  }
}

TEST(Verify, RsaSizes) {
  Forged forged;
  forged.tags.replace(forged.tags.find("ed25519-sha256"), 14, "rsa-sha256");
  // 512 bits: RFC 8301 3.2 forbids it
  const std::string small =
      "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALgSoqXVSEmfcIsOzw7oRuCCOwsmtX/SJnTWxYyj2leFxfS/AVJ+dYfY+hXqMsT7l+MZvvh/R1WzN4MO/kI/7XsCAwEAAQ==";
  World world;
  world.dns.add_txt(kName, "p=" + small);
  auto verdicts = world.verify(forged.message());
  EXPECT_EQ(verdicts[0].reason, Reason::key_too_small);
  EXPECT_EQ(verdicts[0].key_bits, 512u);
  EXPECT_EQ(verdicts[0].result, Result::permerror);

  world.dns.remove(kName);
  world.dns.add_txt(kName, format_key_record(rsa_key().public_key()));
  const std::string message = forged.field(rsa_key()) + kHeader + "\r\n" + kBody;
  EXPECT_EQ(world.verify(message)[0].reason, Reason::verified);
  world.options.min_rsa_bits = 2'048;
  EXPECT_EQ(world.verify(message)[0].reason, Reason::key_too_small);
  world.options.min_rsa_bits = 1;  // less than the RFC allows counts as 1,024
  EXPECT_EQ(world.verify(message)[0].reason, Reason::verified);
  world.dns.remove(kName);
  world.dns.add_txt(kName, "p=" + small);
  EXPECT_EQ(world.verify(message)[0].reason, Reason::key_too_small);
}

TEST(Verify, IdentityBelowTheDomain) {
  Signed world;
  Forged forged;
  forged.tags += "; i=joe@sub.Example.org";
  EXPECT_EQ(world.reason(forged.message()), "verified");
  world.dns.remove(kName);
  world.dns.add_txt(kName, kEd25519Record + "; t=s");
  EXPECT_EQ(world.reason(forged.message()), "identity_mismatch");
  forged.tags.replace(forged.tags.find("sub."), 4, "");
  EXPECT_EQ(world.reason(forged.message()), "verified");
}

TEST(Verify, Testing_Flagged) {
  Signed world;
  world.dns.remove(kName);
  world.dns.add_txt(kName, kEd25519Record + "; t=y");
  const Verdict verdict = world.one(Forged().message());
  EXPECT_EQ(verdict.result, Result::pass);
  EXPECT_TRUE(verdict.testing);
  EXPECT_FALSE(verdict.dependable());
  EXPECT_TRUE(verdict.text.ends_with("; the domain is testing"));
}

TEST(Verify, Dns) {
  Signed world;
  const std::string message = Forged().message();
  world.dns.set_security(kName, dns::Security::secure);
  EXPECT_TRUE(world.one(message).secure);
  world.dns.fail(kName);
  EXPECT_EQ(world.reason(message), "key_unavailable");
  EXPECT_EQ(world.one(message).result, Result::temperror);
  world.dns.recover(kName);
  world.dns.set_security(kName, dns::Security::bogus);
  EXPECT_EQ(world.reason(message), "key_unavailable");
  world.dns.remove(kName);
  EXPECT_EQ(world.reason(message), "no_key");
  world.dns.add_address(kName, "192.0.2.1");  // the name exists, a TXT record does not
  EXPECT_EQ(world.reason(message), "no_key");
  world.dns.remove(kName);
  world.dns.add_cname(kName, "key.example.net");
  world.dns.add_txt("key.example.net", kEd25519Record);
  EXPECT_EQ(world.reason(message), "verified");
}

TEST(Verify, SeveralRecords_OneThatFitsIsEnough) {
  Signed world;
  world.dns.remove(kName);
  world.dns.add_txt(kName, "v=spf1 -all");
  world.dns.add_txt(kName, "k=ed25519; p=pP+YUyRjAvKha4Oc49KAY703oLUS1NLMEuGD3IHMKww=");
  EXPECT_EQ(world.reason(Forged().message()), "signature_wrong");
  world.dns.add_txt(kName, kEd25519Record);
  EXPECT_EQ(world.reason(Forged().message()), "verified");
}

TEST(Verify, SilentDns_BoundedInAll) {
  World world;
  std::string message;
  for (int i = 0; i < 10; ++i) {
    Forged forged;
    forged.tags.replace(forged.tags.find("s=s"), 3, "s=s" + std::to_string(i));
    message += forged.field();
  }
  message += kHeader + "\r\n" + kBody;
  world.dns.silence_all();
  Verifier verifier(world.options, world.now());
  verifier.feed(message);
  EXPECT_EQ(verifier.key_names().size(), 10u);
  std::optional<std::vector<Verdict>> verdicts;
  const auto run = [](Verifier& of, dns::Resolver& dns, std::optional<std::vector<Verdict>>& into) -> Task<> {
    into = co_await of.finish(dns);
  };
  world.loop.start(run(verifier, world.dns, verdicts));
  world.loop.advance(std::chrono::seconds(19));
  EXPECT_FALSE(verdicts.has_value());
  world.loop.advance(std::chrono::seconds(2));
  ASSERT_TRUE(verdicts.has_value());
  EXPECT_EQ(overall(*verdicts), Result::temperror);
}

TEST(Verify, SameKeyTwice_AskedOnce) {
  Signed world;
  Forged forged;
  const std::string message = forged.field() + forged.field() + kHeader + "\r\n" + kBody;
  const auto verdicts = world.verify(message);
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].result, Result::pass);
  EXPECT_EQ(verdicts[1].result, Result::pass);
  EXPECT_EQ(verdicts[0].shown, 8u);  // equal throughout
  EXPECT_EQ(world.dns.questions(), 1u);
}

TEST(Verify, HeaderB_LongEnoughToTellApart) {
  World world;
  const std::string begin =
      "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=";
  const auto verdicts = world.verify(begin + "AAAABBBBCCCC\r\n" + begin + "AAAA BBBB CCDD\r\n" + begin + "EEEE\r\nFrom: x\r\n\r\n");
  ASSERT_EQ(verdicts.size(), 3u);
  EXPECT_EQ(authentication_properties(verdicts[0]).back().second, "AAAABBBBCCC");
  EXPECT_EQ(authentication_properties(verdicts[1]).back().second, "AAAABBBBCCD");
  EXPECT_EQ(authentication_properties(verdicts[2]).back().second, "EEEE");
}

TEST(Verify, OtherSignatures_MaySignEachOther) {
  Signed world;
  const Forged inner;
  const std::string field = inner.field();
  Forged outer;
  outer.tags += ":dkim-signature";
  outer.fields += field;
  const auto verdicts = world.verify(outer.field() + field + kHeader + "\r\n" + kBody);
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].result, Result::pass) << verdicts[0].text;
  EXPECT_EQ(verdicts[1].result, Result::pass) << verdicts[1].text;
}

TEST(Verify, OneSignatureTooMany_NotLookedAt) {
  Signed world;
  world.options.max_signatures = 2;
  const std::string message = Forged().message();
  const std::string broken = "DKIM-Signature: synerr\r\n";
  auto verdicts = world.verify(broken + broken + message);
  ASSERT_EQ(verdicts.size(), 3u);
  EXPECT_EQ(verdicts[2].reason, Reason::not_looked_at);
  EXPECT_EQ(verdicts[2].result, Result::neutral);
  EXPECT_EQ(verdicts[2].domain, "example.org");
  EXPECT_EQ(world.dns.questions(), 0u);
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += broken;
  verdicts = world.verify(many + message);
  EXPECT_EQ(verdicts.size(), 53u);
  EXPECT_EQ(verdicts.back().text, "only the first 2 signatures are looked at; more follow");
}

TEST(Verify, HeaderBeyondTheLimit_NotLookedAt) {
  Signed world;
  world.options.max_header = 2'000;
  const std::string message = Forged().message();
  EXPECT_EQ(world.reason("X: " + std::string(1'000, 'x') + "\r\n" + message), "verified");
  std::string large = message;
  large.insert(large.find("From"), "X: " + std::string(2'000, 'x') + "\r\n");
  EXPECT_EQ(world.reason(large), "not_looked_at");
  EXPECT_TRUE(world.verify("X: " + std::string(3'000, 'x') + "\r\n\r\n" + message).empty());
}

TEST(Verify, NamesOfKeys_KnownWithTheHeader) {
  Signed world;
  Verifier verifier(world.options, world.now());
  const std::string message = Forged().message();
  const auto body = message.find("\r\n\r\n") + 4;
  verifier.feed(message.substr(0, body - 1));
  EXPECT_FALSE(verifier.header_done());
  EXPECT_TRUE(verifier.key_names().empty());
  verifier.feed(message.substr(body - 1, 1));
  EXPECT_TRUE(verifier.header_done());
  EXPECT_EQ(verifier.key_names(), std::vector<std::string>{kName});
  verifier.feed(message.substr(body));
  EXPECT_EQ(world.loop.run(verifier.finish(world.dns))[0].result, Result::pass);
}

TEST(Verify, Overall) {
  const auto of = [](std::initializer_list<Result> results) {
    std::vector<Verdict> verdicts;
    for (const Result result : results) verdicts.emplace_back().result = result;
    return overall(verdicts);
  };
  EXPECT_EQ(of({Result::permerror, Result::pass, Result::fail}), Result::pass);
  EXPECT_EQ(of({Result::fail, Result::temperror}), Result::temperror);
  EXPECT_EQ(of({Result::permerror, Result::fail}), Result::fail);
  EXPECT_EQ(of({Result::neutral, Result::permerror}), Result::permerror);
  EXPECT_EQ(of({Result::neutral}), Result::neutral);
}

}  // namespace
}  // namespace godwit::dkim
