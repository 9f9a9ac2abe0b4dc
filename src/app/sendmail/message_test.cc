// What becomes of the input: recipients, line ends, the spool, and the file that is left in the maildrop.

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "app/sendmail/exit_code.h"
#include "app/sendmail/recipients.h"
#include "app/sendmail/submission.h"
#include "app/sendmail/text_input.h"
#include "grammar/submit/reader.h"

namespace godwit::sendmail {
namespace {

using Words = std::vector<std::string>;

TEST(Sendmail_Recipients, WithAndWithoutDomain) {
  const std::pair<std::string, Words> cases[] = {
      {"ann@example.org", {"ann@example.org"}},
      {"root", {"root"}},
      {"a@x.test,b@y.test", {"a@x.test", "b@y.test"}},
      {"Ann <a@x.test>, root, Charlie Root <root>", {"a@x.test", "root", "root"}},
      {"\"Last, First\" <a@x.test>, bob", {"a@x.test", "bob"}},
      {"root (Charlie, Root)", {"root"}},
      {"friends: a@x.test, b@y.test;", {"a@x.test", "b@y.test"}},
      {"undisclosed-recipients:;", {}},
      {" a@x.test,\r\n\tb@y.test , ", {"a@x.test", "b@y.test"}},
      {"\"odd one\"@x.test", {"\"odd one\"@x.test"}},
      {"root,,", {"root"}},
      {"", {}},
  };
  for (const auto& [text, expected] : cases) {
    SCOPED_TRACE(text);
    const auto found = parse_recipients(text);
    ASSERT_TRUE(found) << found.error().text;
    EXPECT_EQ(*found, expected);
  }
  for (const char* text : {"a@@b", "two words", "a@x.test b@y.test", "<a@x.test", "a@", "\"open", "root\r\nfrom x"})
    EXPECT_FALSE(parse_recipients(text)) << text;
}

TEST(Sendmail_TakeRecipients, BccGoes_FoldedToo) {
  const auto header = take_recipients(
      "Subject: x\r\nTo: a@x.test,\r\n b@x.test\r\nbcc: c@x.test,\r\n\tname <d@x.test>\r\nCC: root\r\nBcc:\r\nX-Bcc: kept\r\n");
  ASSERT_TRUE(header) << header.error().text;
  EXPECT_EQ(header->recipients, (Words{"a@x.test", "b@x.test", "c@x.test", "d@x.test", "root"}));
  EXPECT_EQ(header->text, "Subject: x\r\nTo: a@x.test,\r\n b@x.test\r\nCC: root\r\nX-Bcc: kept\r\n");
}

TEST(Sendmail_TakeRecipients, ResentFieldsStandForAll) {
  const auto header = take_recipients("Resent-To: r@x.test\r\nResent-Bcc: s@x.test\r\nTo: a@x.test\r\n");
  ASSERT_TRUE(header);
  EXPECT_EQ(header->recipients, (Words{"r@x.test", "s@x.test"}));
  EXPECT_EQ(header->text, "Resent-To: r@x.test\r\nTo: a@x.test\r\n");
  EXPECT_TRUE(take_recipients("no colon\r\nTo: a@x.test")->recipients == Words{"a@x.test"});
  EXPECT_FALSE(take_recipients("To: a@@b\r\n"));
}

std::string convert(std::string_view input, bool ignore_dots, std::size_t piece) {
  TextInput text(ignore_dots);
  std::string out;
  for (std::size_t i = 0; i < input.size(); i += piece) text.feed(input.substr(i, piece), out);
  text.finish(out);
  return out;
}

TEST(Sendmail_TextInput, LineEndsAndDots_InAnyPieces) {
  struct Case {
    std::string input;
    std::string ignoring;
    std::string ending;
  };
  const Case cases[] = {
      {"", "", ""},
      {"a", "a\r\n", "a\r\n"},
      {"a\nb\r\nc\rd\n\re", "a\r\nb\r\nc\r\nd\r\n\r\ne\r\n", "a\r\nb\r\nc\r\nd\r\n\r\ne\r\n"},
      {"a\n.\nb\n", "a\r\n.\r\nb\r\n", "a\r\n"},
      {"a\r\n.\r\nb", "a\r\n.\r\nb\r\n", "a\r\n"},
      {"a\n.", "a\r\n.\r\n", "a\r\n"},
      {".\n", ".\r\n", ""},
      {"..\n.x\nx.\n", "..\r\n.x\r\nx.\r\n", "..\r\n.x\r\nx.\r\n"},
      {std::string("a\0b\n", 4), "ab\r\n", "ab\r\n"},
      {"\r\r\n", "\r\n\r\n", "\r\n\r\n"},
      {"a\r", "a\r\n", "a\r\n"},
  };
  for (const auto& one : cases)
    for (const std::size_t piece : {1u, 2u, 3u, 100u}) {
      SCOPED_TRACE(one.input);
      EXPECT_EQ(convert(one.input, true, piece), one.ignoring);
      EXPECT_EQ(convert(one.input, false, piece), one.ending);
    }
}

TEST(Sendmail_ExitCode, OfReplies) {
  EXPECT_EQ(exit_code_of({250, {2, 0, 0}, ""}), EX_OK);
  EXPECT_EQ(exit_code_of({550, {5, 1, 1}, ""}), EX_NOUSER);
  EXPECT_EQ(exit_code_of({553, {5, 1, 7}, ""}), EX_DATAERR);
  EXPECT_EQ(exit_code_of({552, {5, 3, 4}, ""}), EX_DATAERR);
  EXPECT_EQ(exit_code_of({452, {4, 3, 1}, ""}), EX_TEMPFAIL);
  EXPECT_EQ(exit_code_of({452, {4, 5, 3}, ""}), EX_UNAVAILABLE);
  EXPECT_EQ(exit_code_of({550, {5, 7, 1}, ""}), EX_NOPERM);
  EXPECT_EQ(exit_code_of({554, {5, 4, 6}, ""}), EX_UNAVAILABLE);
}

TEST(Sendmail_LeaveIn, TheFileIsWholeAndReadable) {
  std::string directory = "/tmp/godwit-drop-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  Spool spool;
  std::string text;
  while (text.size() < 3 * Spool::kMemory) text += "a line of the message\r\n";
  ASSERT_TRUE(spool.append(text.substr(0, 100)));
  ASSERT_TRUE(spool.append(text.substr(100)));
  Submission submission;
  submission.envelope.recipients = {"root"};
  submission.head = "Date: now\r\n";
  submission.body = 23;
  submission.spool = &spool;
  ASSERT_TRUE(leave_in(directory, submission, getegid()));

  std::string name;
  DIR* const entries = opendir(directory.c_str());
  while (const dirent* const entry = readdir(entries))
    if (entry->d_name[0] != '.') name = entry->d_name;
  closedir(entries);
  EXPECT_EQ(name.size(), 26u);
  std::ifstream file(directory + "/" + name, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  submit::Reader reader;
  std::string body;
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto piece = reader.next(rest);
    ASSERT_TRUE(piece) << piece.error().text;
    body += piece->bytes;
    rest.remove_prefix(piece->consumed);
  }
  EXPECT_TRUE(reader.finished());
  EXPECT_EQ(body, "Date: now\r\n" + text.substr(23));
  EXPECT_EQ(body.size(), submission.size());
  unlink((directory + "/" + name).c_str());
  rmdir(directory.c_str());
  const auto gone = leave_in(directory, submission, getegid());
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().cause, Error::Cause::not_found);
}

}  // namespace
}  // namespace godwit::sendmail
