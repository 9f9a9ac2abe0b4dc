#include "check/spf/received_spf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "check/spf/refusal.h"

namespace godwit::spf {
namespace {

using std::string_literals::operator""s;
using ::testing::HasSubstr;
using ::testing::Not;

Question asked() {
  Question question;
  question.client = *parse_ip("192.0.2.1");
  question.helo = "foo.example.com";
  question.mail_from = "myname@example.com";
  question.receiver = "mybox.example.org";
  return question;
}

Verdict verdict_of(Result result) {
  Verdict verdict;
  verdict.result = result;
  verdict.domain = "example.com";
  return verdict;
}

// Every line of a field: RFC 5322 2.1.1, 2.2.3.
void expect_folded(const std::string& field) {
  ASSERT_TRUE(field.ends_with("\r\n"));
  std::size_t begin = 0;
  while (begin < field.size()) {
    const auto end = field.find("\r\n", begin);
    EXPECT_LT(end - begin, 998u);
    for (std::size_t i = begin; i < end; ++i) {
      const auto byte = static_cast<unsigned char>(field[i]);
      EXPECT_TRUE((byte >= ' ' && byte != 127) || (byte == '\t' && i == begin)) << field;
    }
    if (begin > 0) EXPECT_TRUE(field[begin] == '\t' && field[begin + 1] != '\r') << field;
    begin = end + 2;
  }
}

TEST(ReceivedSpf, Pass_LooksAsInRfc7208Section91) {
  Verdict verdict = verdict_of(Result::pass);
  verdict.mechanism = "ip4:192.0.2.1";
  const std::string field = received_spf(asked(), verdict);
  EXPECT_EQ(field,
            "Received-SPF: pass (mybox.example.org: domain of myname@example.com designates\r\n"
            "\t192.0.2.1 as permitted sender) identity=mailfrom; client-ip=192.0.2.1;\r\n"
            "\thelo=foo.example.com; envelope-from=\"myname@example.com\";\r\n"
            "\treceiver=mybox.example.org; mechanism=\"ip4:192.0.2.1\";\r\n");
  expect_folded(field);
}

TEST(ReceivedSpf, Helo_HasNoEnvelopeSender) {
  Verdict verdict = verdict_of(Result::fail);
  verdict.identity = Identity::helo;
  verdict.mechanism = "-all";
  const std::string field = received_spf(asked(), verdict);
  EXPECT_THAT(field, HasSubstr("postmaster@foo.example.com"));
  EXPECT_THAT(field, HasSubstr("identity=helo;"));
  EXPECT_THAT(field, Not(HasSubstr("envelope-from")));
  EXPECT_THAT(field, HasSubstr("mechanism=-all;"));
}

TEST(ReceivedSpf, Others_SayDefaultOrTheProblem) {
  EXPECT_THAT(received_spf(asked(), verdict_of(Result::neutral)), HasSubstr("mechanism=default;"));
  EXPECT_THAT(received_spf(asked(), verdict_of(Result::none)), Not(HasSubstr("mechanism=")));
  Verdict verdict = verdict_of(Result::permerror);
  verdict.reason = "the record says \"x\\y\"";
  EXPECT_THAT(received_spf(asked(), verdict), HasSubstr(R"(problem="the record says \"x\\y\"";)"));
  Question question = asked();
  question.mail_from = "";
  question.client = *parse_ip("2001:db8::1");
  const std::string field = received_spf(question, verdict_of(Result::softfail));
  EXPECT_THAT(field, HasSubstr("client-ip=\"2001:db8::1\";"));
  EXPECT_THAT(field, HasSubstr("envelope-from=\"<>\";"));
}

TEST(ReceivedSpf, Hostile_NothingEscapes) {
  for (const std::string& evil : {"a\r\nBcc: x@y.z"s, "a)(\\\"; x=y"s, "\0\x01\x7f"s, std::string(5'000, '"'), "\xff\xfe"s, "a\xc2\x85z"s,
                                  std::string(254, 'x') + "\xc3\xa9", ".."s, "\\"s, std::string(300, ' ')}) {
    Question question = asked();
    question.helo = evil;
    question.mail_from = "\"" + evil + "\"@example.com";
    question.receiver = evil;
    for (const Result result : {Result::pass, Result::permerror, Result::none}) {
      Verdict verdict = verdict_of(result);
      verdict.reason = verdict.mechanism = evil;
      const std::string field = received_spf(question, verdict);
      expect_folded(field);
      EXPECT_EQ(field.find("Bcc: "), field.find("??Bcc: ") == std::string::npos ? std::string::npos : field.find("??Bcc: ") + 2);
    }
  }
}

TEST(ReceivedSpf, Utf8Sender_Stays) {
  Question question = asked();
  question.mail_from = "j\xc3\xb6rg@example.com";
  EXPECT_THAT(received_spf(question, verdict_of(Result::pass)), HasSubstr("envelope-from=\"j\xc3\xb6rg@example.com\""));
  EXPECT_EQ(authentication_result(question, verdict_of(Result::pass)), "spf=pass smtp.mailfrom=j\xc3\xb6rg@example.com");
}

TEST(AuthenticationResult, Properties_Rfc7208Section92) {
  EXPECT_EQ(authentication_result(asked(), verdict_of(Result::pass)), "spf=pass smtp.mailfrom=myname@example.com");
  Verdict helo = verdict_of(Result::none);
  helo.identity = Identity::helo;
  helo.domain = "foo.example.com";
  EXPECT_EQ(authentication_result(asked(), helo), "spf=none smtp.helo=foo.example.com");
  Verdict broken = verdict_of(Result::temperror);
  broken.reason = "no answer \"here\"";
  EXPECT_EQ(authentication_result(asked(), broken), R"(spf=temperror reason="no answer \"here\"" smtp.mailfrom=myname@example.com)");
  Question bounce = asked();
  bounce.mail_from = "";
  Verdict null = verdict_of(Result::pass);
  null.domain = "foo.example.com";
  EXPECT_EQ(authentication_result(bounce, null), "spf=pass smtp.helo=foo.example.com");
}

TEST(AuthenticationResult, Hostile_NamesAreQuotedOrLeftOut) {
  Question question = asked();
  question.helo = "evil; dkim=pass";
  Verdict verdict;
  verdict.identity = Identity::helo;
  EXPECT_EQ(authentication_result(question, verdict), "spf=none smtp.helo=\"evil; dkim=pass\"");
  question.mail_from = "a;dkim=pass b@example.com";
  EXPECT_EQ(authentication_result(question, verdict_of(Result::fail)), "spf=fail smtp.mailfrom=example.com");
  question.mail_from = "\"a;dkim=pass\"@example.com";
  EXPECT_EQ(authentication_result(question, verdict_of(Result::fail)), "spf=fail smtp.mailfrom=\"a;dkim=pass\"@example.com");
}

TEST(Refusal, Codes_Rfc7372) {
  EXPECT_FALSE(refusal(asked(), verdict_of(Result::pass)));
  EXPECT_FALSE(refusal(asked(), verdict_of(Result::softfail)));
  EXPECT_FALSE(refusal(asked(), verdict_of(Result::neutral)));
  EXPECT_FALSE(refusal(asked(), verdict_of(Result::none)));
  Verdict fail = verdict_of(Result::fail);
  EXPECT_EQ(refusal(asked(), fail)->one_line(), "550 5.7.23 SPF MAIL FROM check failed: 192.0.2.1 may not send mail for example.com");
  fail.explanation = "Please see http://www.example.com/mailpolicy.html";
  std::string wire;
  smtp::append_wire(wire, *refusal(asked(), fail));
  EXPECT_EQ(wire,
            "550-5.7.23 SPF MAIL FROM check failed: 192.0.2.1 may not send mail for example.com\r\n"
            "550-5.7.23 The domain example.com explains:\r\n"
            "550 5.7.23 Please see http://www.example.com/mailpolicy.html\r\n");
  EXPECT_EQ(refusal(asked(), verdict_of(Result::temperror))->code, 451);
  EXPECT_EQ(refusal(asked(), verdict_of(Result::temperror))->enhanced.text(), "4.7.24");
  Verdict broken = verdict_of(Result::permerror);
  broken.reason = "the record is none";
  EXPECT_EQ(refusal(asked(), broken)->enhanced.text(), "5.7.24");
  EXPECT_THAT(refusal(asked(), broken)->text, HasSubstr("the record is none"));
}

}  // namespace
}  // namespace godwit::spf
