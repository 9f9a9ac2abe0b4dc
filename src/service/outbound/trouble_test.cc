// Servers that refuse, stall, vanish or talk nonsense; hops, probes, reuse and draining.

#include "service/outbound/outbound_fixture.h"

namespace godwit::outbound {
namespace {

using ::testing::HasSubstr;
using Trouble = OutboundTest;
using namespace std::chrono_literals;

TEST_F(Trouble, NobodyListens_SiteIsDownUntilTheProbe) {
  network_.refuse(at(1));
  const auto first = send_one();
  EXPECT_EQ(summary(*first), "deferred 4.4.1 down");
  EXPECT_THAT(first->outcomes[0].text, HasSubstr("could not connect to 127.0.0.1:2600 (connection refused)"));
  EXPECT_EQ(network_.dials, 1u);
  EXPECT_EQ(summary(*send_one()), "deferred 4.4.1 down");
  EXPECT_EQ(network_.dials, 1u);  // not hammered
  auto status = outbound_->status();
  ASSERT_EQ(status.size(), 1u);
  EXPECT_TRUE(status[0].down);
  EXPECT_EQ(status[0].next_probe, loop_.clock().now() + 1min);
  EXPECT_THAT(status[0].last_error, HasSubstr("connection refused"));

  loop_.advance(1min);
  EXPECT_EQ(summary(*send_one()), "deferred 4.4.1 down");
  EXPECT_EQ(network_.dials, 2u);
  EXPECT_EQ(outbound_->status()[0].next_probe, loop_.clock().now() + 5min);  // the next step
  loop_.advance(1min);
  send_one();
  EXPECT_EQ(network_.dials, 2u);

  network_.listen(at(1), server_);
  loop_.advance(4min);
  const auto probe = offer(message({"a@example.net"}));
  const auto waiting = offer(message({"b@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*probe), "delivered 2.0.0");
  EXPECT_EQ(summary(*waiting), "delivered 2.0.0");
  EXPECT_FALSE(outbound_->status()[0].down);
}

TEST_F(Trouble, BlackHole_TimesOut) {
  network_.black_hole(at(1));
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "?");
  loop_.advance(30s);
  EXPECT_EQ(summary(*result), "deferred 4.4.1 down");
}

TEST_F(Trouble, FirstHopDead_SecondServes) {
  testing::FakeSmtpServer second;
  network_.refuse(at(1));
  network_.listen(at(2), second);
  site_ = site_of({"127.0.0.1", "127.0.0.2"});
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(second.messages.size(), 1u);
  loop_.advance(40s);  // the idle connection has gone; the first hop still rests
  send_one();
  EXPECT_EQ(network_.dials, 3u);
  network_.listen(at(1), server_);
  loop_.advance(2min);
  send_one();
  EXPECT_EQ(server_.messages.size(), 1u);
  loop_.advance(1min);
}

TEST_F(Trouble, HostNames_AreLookedUpAndEachAddressTried) {
  names_["mx.peer.test"] = {at(9).address, at(1).address};
  site_ = site_of({"mx.peer.test"});
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_EQ(result->outcomes[0].remote, "mx.peer.test [127.0.0.1]:2600");
  site_ = site_of({"nowhere.test"});
  EXPECT_EQ(summary(*send_one()), "deferred 4.4.3 down");
}

TEST_F(Trouble, Greeting_RefusalsAndNonsense) {
  struct Case {
    std::string greeting, summary, text;
  };
  for (const Case& c : {Case{"421 4.3.2 Too busy\r\n!close", "deferred 4.3.2 down", "does not take mail now"},
                        Case{"554 5.3.2 Go away\r\n", "deferred 4.3.2 down", "does not take mail now"},
                        Case{"!close", "deferred 4.4.2 down", "lost before the greeting"},
                        Case{"SSH-2.0-OpenSSH\r\n", "deferred 4.5.0 down", "made no sense"},
                        Case{std::string(100'000, 'x'), "deferred 4.5.0 down", "made no sense"},
                        Case{"250-a\r\n220 b\r\n", "deferred 4.5.0 down", "made no sense"},
                        Case{"220 MX.example.org ESMTP\r\n", "deferred 4.4.6 down", "would go in a circle"}}) {
    SCOPED_TRACE(c.greeting.substr(0, 40));
    server_.greeting = c.greeting;
    const auto result = send_one();
    EXPECT_EQ(summary(*result), c.summary);
    EXPECT_THAT(result->outcomes[0].text, HasSubstr(c.text));
    loop_.advance(6h);
  }
}

TEST_F(Trouble, Stalls_EndAfterTheTimesOfTheRfc) {
  struct Case {
    std::string command;
    Duration limit;
  };
  for (const Case& c : {Case{"EHLO", 5min}, Case{"MAIL", 5min}, Case{"RCPT", 5min}, Case{"DATA", 2min}, Case{".", 10min}}) {
    SCOPED_TRACE(c.command);
    answer(c.command, "");
    const auto result = send_one();
    loop_.advance(c.limit - 1s);
    EXPECT_EQ(summary(*result), "?");
    loop_.advance(c.command == "MAIL" ? 10min : 2s);  // MAIL: nothing was heard, so it gets a second connection
    EXPECT_EQ(summary(*result), "deferred 4.4.2 down");
    EXPECT_THAT(result->outcomes[0].text, HasSubstr("timed out"));
    loop_.advance(5h);
  }
}

TEST_F(Trouble, PeerThatTakesNothing_TimesOutInTheBody) {
  server_.on_command = [](const std::string& command, std::size_t) -> std::optional<std::string> {
    return command == "DATA" ? std::optional<std::string>("354 go\r\n") : std::nullopt;
  };
  server_.interrupt_body = {0, ""};  // closes at once
  std::string body(3 << 20, 'x');
  body += "\r\n";
  EXPECT_EQ(summary(*send_one(body)), "deferred 4.4.2 down");
}

TEST_F(Trouble, LastWordsInTheMiddleOfTheBody_Count) {
  server_.interrupt_body = {100'000, "552 5.3.4 Too much\r\n"};
  std::string body(3 << 20, 'x');
  body += "\r\n";
  const auto result = send_one(body);
  EXPECT_EQ(summary(*result), "bounced 5.3.4");
  EXPECT_EQ(result->outcomes[0].remote_reply, "552 5.3.4 Too much");
}

TEST_F(Trouble, Lost_AtEachPoint_Defers) {
  for (const std::string command : {"MAIL", "RCPT", "DATA", "."}) {
    SCOPED_TRACE(command);
    answer(command, "!close");
    const auto result = send_one();
    EXPECT_EQ(summary(*result), "deferred 4.4.2 down");
    loop_.advance(5h);
  }
}

TEST_F(Trouble, LostAfterTheDot_IsSentAgainLater) {
  answer(".", "!close");
  EXPECT_EQ(summary(*send_one()), "deferred 4.4.2 down");
  EXPECT_EQ(server_.dialogues.size(), 1u);  // not at once: it may have arrived
}

TEST_F(Trouble, Closing421_AtEachPoint_DefersWithItsWords) {
  for (const std::string command : {"MAIL", "RCPT", "DATA", "."}) {
    SCOPED_TRACE(command);
    answer(command, "421 4.3.2 Shutting down\r\n!close");
    const auto result = send_one();
    EXPECT_EQ(summary(*result), "deferred 4.3.2 down");
    EXPECT_EQ(result->outcomes[0].remote_reply, "421 4.3.2 Shutting down");
    loop_.advance(5h);
  }
}

TEST_F(Trouble, AnswersOutOfStep_EndTheDialogue) {
  for (const auto& [command, reply] : std::vector<std::pair<std::string, std::string>>{
           {"MAIL", "354 what?\r\n"}, {"RCPT", "354 what?\r\n"}, {"DATA", "250 fine\r\n"}, {".", "354 more\r\n"}, {"RCPT", "hello\r\n"}}) {
    SCOPED_TRACE(command + reply);
    answer(command, reply);
    EXPECT_EQ(summary(*send_one()), "deferred 4.5.0");
    EXPECT_TRUE(server_.messages.empty() || command == ".");
    loop_.advance(5h);
  }
}

TEST_F(Trouble, ReuseThenClosedByTheServer_NextMessageTakesANewConnection) {
  // the server closes each connection behind its first message, without a word
  server_.on_command = [](const std::string& command, std::size_t) -> std::optional<std::string> {
    return command == "." ? std::optional<std::string>("250 2.0.0 Ok\r\n!close") : std::nullopt;
  };
  settings_->connections_per_site = 1;
  std::vector<std::shared_ptr<JobResult>> results;
  for (int i = 0; i < 10; ++i) results.push_back(offer(message({"bob@example.net"})));
  loop_.poll();
  for (const auto& result : results) EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_EQ(server_.messages.size(), 10u);
  EXPECT_EQ(server_.dialogues.size(), 10u);
}

TEST_F(Trouble, Late421OnAnIdleConnection_CostsTheNextMessageNothing) {
  settings_->idle_reuse = 1h;
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  server_.on_command = [](const std::string& command, std::size_t dialogue) -> std::optional<std::string> {
    return dialogue == 0 && command.starts_with("MAIL") ? std::optional<std::string>("421 4.4.2 Idle too long\r\n!close") : std::nullopt;
  };
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(server_.dialogues.size(), 2u);
}

TEST_F(Trouble, MessageThatKillsTheServer_DoesNotTakeTheSiteDown) {
  server_.on_command = [](const std::string& command, std::size_t) -> std::optional<std::string> {
    return command.starts_with("MAIL FROM:<poison@") ? std::optional<std::string>("!close") : std::nullopt;
  };
  settings_->connections_per_site = 1;
  auto poison = message({"bob@example.net"});
  poison->reverse_path = smtp::ReversePath(*smtp::parse_address("poison@example.org"));
  const auto bad = offer(poison);
  std::vector<std::shared_ptr<JobResult>> good;
  for (int i = 0; i < 5; ++i) good.push_back(offer(message({"bob@example.net"})));
  loop_.poll();
  for (const auto& result : good) EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_EQ(summary(*bad), "deferred 4.4.2 down");
}

TEST_F(Trouble, ServerThatDropsEverything_RestsAfterThreeLosses) {
  answer("MAIL", "!close");
  std::vector<std::shared_ptr<JobResult>> results;
  for (int i = 0; i < 50; ++i) results.push_back(offer(message({"bob@example.net"})));
  loop_.poll();
  for (const auto& result : results) EXPECT_EQ(summary(*result), "deferred 4.4.2 down");
  EXPECT_LE(network_.dials, 6u);
  EXPECT_TRUE(outbound_->status()[0].down);
}

TEST_F(Trouble, RestAfterBrokenDialogues_IsNotSaidAsTheFailureOfMailThatWaits) {
  settings_->connections_per_site = 1;
  answer("RCPT", std::string(10'000, 'x') + "\r\n");
  std::vector<std::shared_ptr<JobResult>> results;
  for (int i = 0; i < 5; ++i) results.push_back(offer(message({"bob@example.net"})));
  loop_.poll();
  results.push_back(send_one());  // the site rests
  const std::string last = "the answer to RCPT made no sense: line too long";
  for (std::size_t i = 0; i < results.size(); ++i) {
    SCOPED_TRACE(i);
    const bool tried = i < 3;
    EXPECT_EQ(summary(*results[i]), tried ? "deferred 4.5.0" : "deferred 4.4.2 down");
    EXPECT_EQ(results[i]->outcomes[0].text,
              tried ? last : "not tried: 127.0.0.1:2600 rests after 3 broken dialogues (the last: " + last + ")");
    EXPECT_EQ(results[i]->outcomes[0].remote_reply, "");
  }
  EXPECT_THAT(outbound_->status()[0].last_error, HasSubstr(last));
}

TEST_F(Trouble, RestAfter421_ItsWordsAreOfTheMessageThatGotThem) {
  settings_->connections_per_site = 1;
  answer("RCPT", "421 4.3.2 Not <bob@example.net>\r\n!close");
  std::vector<std::shared_ptr<JobResult>> results;
  for (int i = 0; i < 4; ++i) results.push_back(offer(message({"bob@example.net"})));
  loop_.poll();
  EXPECT_EQ(results[2]->outcomes[0].remote_reply, "421 4.3.2 Not <bob@example.net>");
  EXPECT_EQ(results[3]->outcomes[0].remote_reply, "");
  EXPECT_EQ(results[3]->outcomes[0].text,
            "not tried: 127.0.0.1:2600 rests after 3 broken dialogues (the last: the server closes the connection)");
  EXPECT_THAT(outbound_->status()[0].last_error, HasSubstr("Not <bob@example.net>"));

  network_.refuse(at(1));
  loop_.advance(1min);
  EXPECT_THAT(send_one()->outcomes[0].text, HasSubstr("could not connect to 127.0.0.1:2600"));
}

TEST_F(Trouble, Growth_OneFirstThenAsManyAsNeeded) {
  settings_->connections_per_site = 3;
  answer(".", "");  // never answers: each connection keeps its message
  std::vector<std::shared_ptr<queue::Message>> messages;
  for (int i = 0; i < 20; ++i) messages.push_back(message({"bob@example.net"}));
  for (const auto& each : messages) offer(each);
  EXPECT_EQ(outbound_->status()[0].connections, 1u);
  loop_.poll();
  EXPECT_EQ(outbound_->status()[0].connections, 3u);
  EXPECT_EQ(network_.dials, 3u);
}

TEST_F(Trouble, FurtherConnectionRefused_TheOthersGoOn) {
  settings_->connections_per_site = 4;
  std::size_t greeted = 0;
  server_.on_command = [&](const std::string& command, std::size_t dialogue) -> std::optional<std::string> {
    if (command.starts_with("EHLO") && dialogue > 0) {
      ++greeted;
      return "421 4.7.0 Too many connections\r\n!close";
    }
    return std::nullopt;
  };
  std::vector<std::shared_ptr<JobResult>> results;
  for (int i = 0; i < 50; ++i) results.push_back(offer(message({"bob@example.net"})));
  loop_.poll();
  for (const auto& result : results) EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_LE(greeted, 2u);
  EXPECT_FALSE(outbound_->status()[0].down);
}

TEST_F(Trouble, Reuse_EndsWithTheCountOrTheTime) {
  settings_->messages_per_connection = 2;
  settings_->connections_per_site = 1;
  for (int i = 0; i < 5; ++i) offer(message({"bob@example.net"}));
  loop_.poll();
  EXPECT_EQ(server_.messages.size(), 5u);
  EXPECT_EQ(server_.dialogues.size(), 3u);
  EXPECT_EQ(server_.dialogues[0].commands.back(), "QUIT");
  EXPECT_EQ(outbound_->status()[0].connections, 1u);
  loop_.advance(30s);
  EXPECT_EQ(outbound_->status()[0].connections, 0u);
  EXPECT_EQ(server_.dialogues[2].commands.back(), "QUIT");
}

TEST_F(Trouble, QuitIsNotWaitedForLong) {
  answer("QUIT", "");
  send_one();
  loop_.advance(33s);
  EXPECT_EQ(outbound_->status()[0].connections, 0u);
}

TEST_F(Trouble, ProbeNow_ASiteThatRestsIsTriedWithTheNextJob) {
  network_.refuse(at(1));
  EXPECT_EQ(summary(*send_one()), "deferred 4.4.1 down");
  network_.listen(at(1), server_);
  EXPECT_EQ(summary(*send_one()), "deferred 4.4.1 down");
  outbound_->probe_now();
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
}

TEST_F(Trouble, Drain_FinishesWhatIsUnderWayAndDefersTheRest) {
  settings_->connections_per_site = 1;
  server_.extensions = {"SIZE"};
  answer(".", "");
  const auto under_way = offer(message({"a@example.net"}));
  const auto waiting = offer(message({"b@example.net"}));
  loop_.poll();
  outbound_->drain();
  EXPECT_EQ(summary(*waiting), "deferred 4.3.2 down");
  EXPECT_EQ(summary(*under_way), "?");
  const auto late = send_one();
  EXPECT_EQ(summary(*late), "deferred 4.3.2 down");
  loop_.advance(10min);
  EXPECT_EQ(summary(*under_way), "deferred 4.4.2 down");
}

TEST_F(Trouble, Drain_LetsIdleConnectionsQuit) {
  send_one();
  outbound_->drain();
  loop_.poll();
  EXPECT_EQ(server_.dialogues[0].commands.back(), "QUIT");
  EXPECT_EQ(tasks_.running(), 0u);
}

// After the dot the server may have the message: broken off here, it would come twice.
TEST_F(Trouble, Stop_LetsTheMessageUnderWayComeToItsEnd) {
  server_.extensions = {"SIZE"};
  settings_->connections_per_site = 1;
  server_.before_final_reply = [this] { return loop_.clock().sleep(3s); };
  const auto result = offer(message({"a@example.net"}));
  const auto waiting = offer(message({"b@example.net"}));
  loop_.poll();
  outbound_->drain();
  tasks_.stop();
  loop_.poll();
  EXPECT_EQ(summary(*result), "?");
  EXPECT_EQ(summary(*waiting), "deferred 4.3.2 down");
  loop_.advance(3s);
  EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_EQ(server_.dialogues[0].commands.back(), "QUIT");
  EXPECT_EQ(tasks_.running(), 0u);
}

TEST_F(Trouble, Cut_EndsEverythingAtOnce) {
  answer("DATA", "");
  settings_->connections_per_site = 1;
  const auto result = offer(message({"a@example.net"}));
  const auto waiting = offer(message({"b@example.net"}));
  loop_.poll();
  tasks_.stop();
  tasks_.cut();
  loop_.poll();
  EXPECT_EQ(summary(*result), "deferred 4.4.2 down");
  EXPECT_EQ(summary(*waiting), "deferred 4.3.2 down");
}

TEST_F(Trouble, Sites_HaveSeparateFates) {
  network_.listen(at(2), server_);
  network_.refuse(at(1));
  const auto dead = offer(message({"a@example.net"}));
  const auto alive = offer(message({"b@example.net"}), site_of({"127.0.0.2"}));
  loop_.poll();
  EXPECT_EQ(summary(*dead), "deferred 4.4.1 down");
  EXPECT_EQ(summary(*alive), "delivered 2.0.0");
}

}  // namespace
}  // namespace godwit::outbound
