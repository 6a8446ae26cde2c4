import os

from evol_core.job.messages import Mailbox, Sender


def test_messages_arrive_whole_and_in_order() -> None:
    with Mailbox() as mailbox:
        sender = Sender(mailbox.writer)
        sender.send({"n": 1})
        sender.send({"text": "line\nbreak \ud800"})

        assert mailbox.wait(1.0) == [{"n": 1}, {"text": "line\nbreak \ud800"}]


def test_half_a_message_waits_for_its_end() -> None:
    with Mailbox() as mailbox:
        os.write(mailbox.writer, b'{"n": ')
        assert mailbox.drain() == []
        os.write(mailbox.writer, b"2}\n")
        assert mailbox.drain() == [{"n": 2}]


def test_a_worker_that_died_in_mid_sentence_is_no_error() -> None:
    with Mailbox() as mailbox:
        os.write(mailbox.writer, b'{"n": 1}\n{"n": ')
        mailbox.close_writer()

        assert mailbox.wait(1.0) == [{"n": 1}]
        assert mailbox.wait(0.0) == []
