"""The floor: what Lambda's Python costs when the function does nothing."""


def lambda_handler(event, _context):
    return {"statusCode": 200, "body": "hello"}
