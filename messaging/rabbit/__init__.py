"""RabbitMQ, through aio_pika."""
