#include "edge/net/unix_dialer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "edge/net/file_descriptor.h"
#include "testing/test_loop.h"

namespace godwit::net {
namespace {

using testing::TestLoop;

constexpr Duration kLong = std::chrono::seconds(30);

class UnixDialer : public ::testing::Test {
 protected:
  ~UnixDialer() override { ::unlink(path_.c_str()); }

  FileDescriptor listen(int backlog) {
    FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    GODWIT_CHECK(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    GODWIT_CHECK(::listen(fd.get(), backlog) == 0);
    return fd;
  }
  Result<std::unique_ptr<Stream>> dial() { return loop_.run(dial_unix(path_, kLong, nullptr)); }

  TestLoop loop_;
  const std::string path_ = "/tmp/unix_dialer_test_" + std::to_string(::getpid());
};

TEST_F(UnixDialer, WhoListens_IsReached) {
  const FileDescriptor listening = listen(4);
  const auto stream = dial();
  ASSERT_TRUE(stream) << stream.error().text;
  EXPECT_TRUE(loop_.run((*stream)->write("hello", kLong)));
  const FileDescriptor peer(::accept(listening.get(), nullptr, nullptr));
  char bytes[5];
  ASSERT_EQ(::recv(peer.get(), bytes, sizeof bytes, MSG_WAITALL), 5);
  EXPECT_EQ(std::string_view(bytes, 5), "hello");
}

TEST_F(UnixDialer, NobodyThere_IsTemporary) {
  const auto none = dial();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, Error::Kind::temporary);
  EXPECT_EQ(none.error().text, "connect to " + path_ + ": there is no such socket");
  ignore(listen(1), "the file stays behind");
  const auto left_behind = dial();
  ASSERT_FALSE(left_behind);
  EXPECT_EQ(left_behind.error().kind, Error::Kind::temporary);
}

TEST_F(UnixDialer, QueueOfConnectionsFull_IsTemporary) {
  const FileDescriptor listening = listen(0);
  std::vector<std::unique_ptr<Stream>> streams;
  Result<std::unique_ptr<Stream>> last;
  for (int i = 0; i < 8 && (i == 0 || last); ++i) {
    last = dial();
    if (last) streams.push_back(std::move(*last));
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().cause, Error::Cause::full);
  EXPECT_EQ(last.error().kind, Error::Kind::temporary);
}

TEST_F(UnixDialer, PathTooLong_AndCancelled_AreErrors) {
  EXPECT_EQ(loop_.run(dial_unix(std::string(108, 'x'), kLong, nullptr)).error().cause, Error::Cause::limit);
  Cancellation cancelled;
  cancelled.cancel();
  EXPECT_EQ(loop_.run(dial_unix(path_, kLong, &cancelled)).error().cause, Error::Cause::cancelled);
}

}  // namespace
}  // namespace godwit::net
