#include "check/dkim/sign.h"

#include <gtest/gtest.h>

#include "check/dkim/dkim_fixture.h"
#include "check/dkim/plain_fixture.h"
#include "check/dkim/signature.h"

namespace godwit::dkim {
namespace {

const std::string kMessage =
    "Received: from somewhere\r\n"
    "From: Joe <joe@example.org>\r\n"
    "To: Ann <ann@example.net>\r\n"
    "Subject: =?utf-8?q?B=C3=BCcher?= and\r\n\tmore\r\n"
    "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
    "Message-ID: <1@example.org>\r\n"
    "List-Unsubscribe: <https://example.org/u>\r\n"
    "Sender: list@example.org\r\n"
    "X-Mailer: x\r\n"
    "\r\n"
    "Hello,\r\n\r\nworld\r\n";

SigningKey ed25519() { return SigningKey::create("example.org", "ed", ed25519_key()).value(); }
SigningKey rsa() { return SigningKey::create("example.org", "rsa", rsa_key()).value(); }

std::string header_of(const std::string& message) { return message.substr(0, message.find("Received:")); }

Error refused(std::string_view message, SignOptions options = {}) {
  Signer signer({ed25519()}, std::move(options), WallTime{});
  signer.feed(message);
  const auto prepared = signer.finish();
  return prepared ? Error{} : prepared.error();
}

TEST(Sign, TwoKeysOnePass_BothVerify) {
  World world;
  world.publish(ed25519());
  world.publish(rsa());
  for (const std::size_t piece : {1UL, 7UL, 100'000UL}) {
    world.piece = piece;
    const std::string message = world.sign(kMessage, {ed25519(), rsa()});
    const auto verdicts = world.verify(message);
    ASSERT_EQ(verdicts.size(), 2u);
    EXPECT_EQ(verdicts[0].result, Result::pass) << verdicts[0].text;
    EXPECT_EQ(verdicts[0].algorithm, "ed25519-sha256");
    EXPECT_EQ(verdicts[1].result, Result::pass) << verdicts[1].text;
    EXPECT_EQ(verdicts[1].algorithm, "rsa-sha256");
    EXPECT_TRUE(verdicts[0].dependable());
  }
}

TEST(Sign, Field_Folded) {
  World world;
  const std::string fields = header_of(world.sign(kMessage, {ed25519()}));
  // the base64 of b= follows the bytes of the signature; everything before is fixed
  EXPECT_TRUE(
      fields.starts_with("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org;\r\n"
                         " s=ed; t=1795348800; h=From:From:To:To:Cc:Subject:Subject:Date:Date:Reply-To:\r\n"
                         " Message-ID:Message-ID:In-Reply-To:References:MIME-Version:Content-Type:\r\n"
                         " Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe:Sender;\r\n"
                         " bh="))
      << fields;
  EXPECT_TRUE(fields.ends_with("==\r\n"));
}

TEST(Sign, Lines_NoLongerThan77) {
  World world;
  const auto long_name =
      SigningKey::create("a-rather-long-name-of-a-department.of-a-company.example.org", "a-long-selector-2026-11", rsa_key()).value();
  const auto big = SigningKey::create("example.org", "big", crypto::PrivateKey::generate_rsa(2'048).value()).value();
  for (const SigningKey& key : {long_name, big, ed25519()}) {
    world.publish(key);
    const std::string message = world.sign(kMessage, {key});
    for (const std::string& line : plain::split(header_of(message), "\r\n")) EXPECT_LE(line.size(), 77u) << line;
    EXPECT_EQ(world.verify(message)[0].result, Result::pass);
  }
}

TEST(Sign, Expiry) {
  World world;
  world.publish(ed25519());
  SignOptions options;
  options.lifetime = std::chrono::hours(24 * 7);
  const std::string message = world.sign(kMessage, {ed25519()}, options);
  EXPECT_NE(message.find(" t=1795348800; x=1795953600;"), std::string::npos) << message;
  EXPECT_EQ(world.verify(message)[0].reason, Reason::verified);
  world.loop.advance(std::chrono::hours(24 * 7) + std::chrono::seconds(1));
  EXPECT_EQ(world.verify(message)[0].reason, Reason::expired);
}

TEST(Sign, WhatHandsOnTheWayDo) {
  World world;
  world.publish(ed25519());
  const std::string message = world.sign(kMessage, {ed25519()});
  const auto after = [&](std::string_view what, std::string_view with) {
    std::string changed = message;
    changed.replace(changed.find(what), what.size(), with);
    return world.verify(changed)[0].result;
  };
  EXPECT_EQ(world.verify("Received: on top\r\nReturn-Path: <x@y>\r\n" + message)[0].result, Result::pass);
  EXPECT_EQ(world.verify("List-Id: <list.example.net>\r\nSender: l@example.net\r\n" + message)[0].result, Result::pass);
  EXPECT_EQ(after("X-Mailer: x\r\n", ""), Result::pass);
  EXPECT_EQ(after("and\r\n\tmore", "and more"), Result::pass);
  EXPECT_EQ(after("world\r\n", "world \r\n\r\n"), Result::pass);
  for (const char* added : {"Subject: x", "Reply-To: x@evil.example", "Cc: x@evil.example", "Content-Type: text/html", "Message-ID: <x@y>",
                            "List-Unsubscribe: <https://evil.example>", "MIME-Version: 1.0", "To: x@y"})
    EXPECT_EQ(world.verify(std::string(added) + "\r\n" + message)[0].result, Result::fail) << added;
  EXPECT_EQ(world.verify("From: x@evil.example\r\n" + message)[0].result, Result::fail);
  EXPECT_EQ(after("joe@", "jim@"), Result::fail);
  EXPECT_EQ(after("Sender: list", "Sender: lust"), Result::fail);
  EXPECT_EQ(after("world", "world!"), Result::fail);
}

TEST(Sign, OtherCanonicalisations) {
  World world;
  world.publish(ed25519());
  for (const auto header : {Canonicalization::simple, Canonicalization::relaxed}) {
    for (const auto body : {Canonicalization::simple, Canonicalization::relaxed}) {
      SignOptions options;
      options.header = header;
      options.body = body;
      EXPECT_EQ(world.verify(world.sign(kMessage, {ed25519()}, options))[0].result, Result::pass);
    }
  }
}

TEST(Sign, Bodies) {
  World world;
  world.publish(ed25519());
  for (const std::string& rest :
       std::vector<std::string>{"", "\r\n", "\r\n\r\n\r\n", "\r\nno line end", "\r\n \t\r\n", "\r\nbare\rCR and\nLF\r\n\r"}) {
    const std::string message = "From: a@example.org\r\n" + rest;
    EXPECT_EQ(world.verify(world.sign(message, {ed25519()}))[0].result, Result::pass) << rest;
  }
  EXPECT_EQ(world.verify(world.sign("From: \xc3\xa4@example.org\r\nSubject: \xff\x80\r\n\r\n\x01\xff\r\n", {ed25519()}))[0].result,
            Result::pass);
}

TEST(Sign, WhatIsNotSigned) {
  EXPECT_EQ(refused("Subject: x\r\n\r\nHi\r\n").text, "a message with 0 From fields is not signed");
  EXPECT_EQ(refused("From: a\r\nFrom: b\r\n\r\nHi\r\n").text, "a message with 2 From fields is not signed");
  EXPECT_EQ(refused("").kind, Error::Kind::permanent);
  EXPECT_EQ(refused(" x\r\nFrom: a\r\n\r\nHi\r\n").text, "a message that begins with white space is not signed");
  EXPECT_EQ(refused("From: a\r\nX: " + std::string(300'000, 'x') + "\r\n\r\n").cause, Error::Cause::limit);
  SignOptions options;
  options.fields = {{"Subject", FieldRule::Cover::always}};
  EXPECT_EQ(refused("From: a\r\n\r\n", options).text, "the fields to sign lack From");
  std::string many = "From: a\r\n";
  for (int i = 0; i < 51; ++i) many += "Resent-To: x\r\n";
  EXPECT_EQ(refused(many + "\r\n").cause, Error::Cause::limit);
}

TEST(Sign, NoKeys_NoFields) {
  Signer signer({}, {}, WallTime{});
  signer.feed(kMessage);
  const auto prepared = signer.finish();
  ASSERT_TRUE(prepared.has_value());
  EXPECT_TRUE(prepared->empty());
  EXPECT_FALSE(prepared->slow());
  EXPECT_EQ(sign(*prepared).value(), "");
}

TEST(Sign, Slow_WithRsaAlone) {
  for (const SigningKey& key : {ed25519(), rsa()}) {
    Signer signer({key}, {}, WallTime{});
    signer.feed(kMessage);
    EXPECT_EQ(signer.finish()->slow(), key.slow());
  }
}

TEST(Sign, Rfc8463AppendixA_SameSignatures) {
  // The fields of the example, rebuilt by its own keys: both algorithms are deterministic.
  World world;
  for (const auto& [key, selector] : {std::pair{ed25519_key(), "brisbane"}, std::pair{rsa_key(), "test"}}) {
    const std::string message(kRfc8463Message);
    HeaderFields header;
    header.feed(message);
    for (const std::uint32_t field : header.named("dkim-signature")) {
      const auto parsed = parse_signature(header.value(field)).signature;
      if (parsed.selector != selector) continue;
      const auto text = header.value(field);
      const auto before = header.bytes(field).substr(0, header.bytes(field).size() - text.size() + parsed.data_begin);
      const std::vector<std::string_view> last = {before, text.substr(parsed.data_end)};
      const auto hash = header.hash(Canonicalization::relaxed, header.select(parsed.fields, field), last);
      EXPECT_EQ(base64_encode(key.sign(hash).value()), parsed.data_text);
    }
  }
}

TEST(SigningKey, WhatIsPublished) {
  EXPECT_EQ(ed25519().record_name(), "ed._domainkey.example.org");
  EXPECT_EQ(ed25519().record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  EXPECT_EQ(SigningKey::create("B\xc3\xbc"
                               "cher.Example",
                               "S1", ed25519_key())
                ->domain(),
            "xn--bcher-kva.example");
}

TEST(SigningKey, Generated_SignsAndVerifies) {
  World world;
  testing::SeededRandom random(9);
  const auto quick = generate_ed25519_key(random);
  const auto slow = generate_rsa_key().value();
  EXPECT_EQ(slow.bits(), 2'048u);
  const std::vector<SigningKey> keys = {SigningKey::from_pem("example.org", "q", quick.to_pem()).value(),
                                        SigningKey::from_pem("example.org", "r", slow.to_pem()).value()};
  for (const SigningKey& key : keys) world.publish(key);
  const auto verdicts = world.verify(world.sign(kMessage, keys));
  EXPECT_EQ(verdicts[0].result, Result::pass);
  EXPECT_EQ(verdicts[1].result, Result::pass);
  EXPECT_EQ(verdicts[1].key_bits, 2'048u);
}

TEST(SigningKey, Refused) {
  EXPECT_FALSE(SigningKey::from_pem("org", "s", kRsaPem).has_value());
  EXPECT_FALSE(SigningKey::from_pem("exa mple.org", "s", kRsaPem).has_value());
  EXPECT_FALSE(SigningKey::from_pem("example.org", "", kRsaPem).has_value());
  EXPECT_FALSE(SigningKey::from_pem("example.org", "s;b=1", kRsaPem).has_value());
  EXPECT_FALSE(SigningKey::from_pem("example.org", "s", "rubbish").has_value());
  // openssl genrsa 512
  const char* const small =
      "-----BEGIN PRIVATE KEY-----\n"
      "MIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEAx8wzp5oYnMhhZdqr\n"
      "c04brMxenbEJrhQz35u4Vkt7JNwOUOzYEl1BeIYI97AUvwHbC1ew4lP8+8A7rRqG\n"
      "SM093wIDAQABAkBuT7hVWSctqRTdf5YZ2448Ibo7pnuJuW3Kj9d/Db234y3SbtSX\n"
      "AIFlgFwPqtIZbRIfTv4Ur1+GyyYm0BQh3GCBAiEA6BUvGRg9jl44d9QHvirpxspJ\n"
      "VkofiBgY6AXoO297pIkCIQDcY0V6kD8cDXFFLrPQvzqUa9ZlNZHfbDWjyMXFJZyF\n"
      "JwIhANSMmi7ccXvStNqhuFmkyafDGblKd2hX0W+mAVN1vYIpAiEAhcn5/rqcpUH/\n"
      "1ljQrlO4kyuX3p8TrAd71K7oaJM5npcCIQCZ4sfs/K/AOvn4rZw+x0LDKw/wr/T7\n"
      "od3f+N60eKfrxg==\n"
      "-----END PRIVATE KEY-----\n";
  const auto key = SigningKey::from_pem("example.org", "s", small);
  ASSERT_FALSE(key.has_value());
  EXPECT_EQ(key.error().cause, Error::Cause::limit);
}

}  // namespace
}  // namespace godwit::dkim
