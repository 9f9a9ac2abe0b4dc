#pragma once
// The world of the tests of this module: a DNS that says what the test wants, a manual clock, and a client with a name.

#include <gtest/gtest.h>

#include "check/spf/check_host.h"
#include "testing/fake_resolver.h"
#include "testing/test_loop.h"

namespace godwit::spf {

struct SpfTest : ::testing::Test {
  SpfTest() {
    question.client = *parse_ip("192.0.2.3");
    question.helo = "mx.example.org";
    question.mail_from = "strong-bad@email.example.com";
    question.receiver = "mx.example.net";
  }

  void record(std::string_view text) { dns.add_txt("email.example.com", text); }
  void client(std::string_view address) { question.client = *parse_ip(address); }
  Verdict check() { return loop.run(check_host(dns, loop.clock(), question, limits)); }
  Result result() { return check().result; }
  // The result with this record alone at the sender's domain.
  Result result_of(std::string_view text) {
    dns.remove("email.example.com");
    record(text);
    return result();
  }
  // For what waits: starts the check, lets `time` pass, and takes the verdict.
  std::optional<Verdict> check_within(Duration time) {
    const auto verdict = start();
    loop.advance(time);
    return *verdict;
  }
  std::shared_ptr<std::optional<Verdict>> start() {
    auto verdict = std::make_shared<std::optional<Verdict>>();
    loop.start(store(check_host(dns, loop.clock(), question, limits), verdict));
    loop.poll();
    return verdict;
  }

  testing::TestLoop loop;
  testing::FakeResolver dns{loop.clock()};
  Question question;
  Limits limits;

 private:
  static Task<> store(Task<Verdict> task, std::shared_ptr<std::optional<Verdict>> into) { *into = co_await std::move(task); }
};

inline void PrintTo(Result result, std::ostream* out) { *out << to_string(result); }

}  // namespace godwit::spf
