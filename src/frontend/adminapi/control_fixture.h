#pragma once
// The administration of a server in memory, asked as over the control socket. For this module's tests alone.

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <utility>

#include "frontend/adminapi/control.h"
#include "testing/mail_world.h"

namespace godwit::adminapi {

class ControlTest : public ::testing::Test {
 protected:
  http::Response ask(std::string method, const std::string& target, std::string body = "") {
    http::Request request;
    request.method = std::move(method);
    auto parts = http::parse_target(target);
    GODWIT_CHECK(parts);
    request.target = target;
    request.path = std::move(parts->path);
    request.query = std::move(parts->query);
    request.body = std::move(body);
    return world.loop.run(handle(context, std::move(request)));
  }
  static boost::json::object parsed(const http::Response& response) { return boost::json::parse(response.body).as_object(); }

  testing::MailWorld world;
  mailbox::Mailboxes mailboxes{world.engine, world.blobs, world.loop.clock(), world.random};
  Context context{.directory = *world.directory,
                  .mailboxes = mailboxes,
                  .queue = *world.queue,
                  .engine = world.engine,
                  .blobs = world.blobs,
                  .trace = *world.trace,
                  .clock = world.loop.clock(),
                  .act = {},
                  .verify_engine = {},
                  .sites = {}};
};

}  // namespace godwit::adminapi
