"""
The facts that can go wrong with a customer.
"""

from rsolv.kernel.errors import Invalid, NotFound


class CustomerInvalid(Invalid):
    """
    What was said about a new customer cannot be; `fields` says why.
    """

    code = "validation_failed"
    sentence = "The customer's details are not valid."


class EmailTaken(Invalid):
    """
    Another customer has this address, compared without regard to case.
    """

    code = "email_taken"
    sentence = "This e-mail address already has an account."


class UnknownCustomer(NotFound):
    """
    There is no such customer.
    """

    code = "unknown_customer"
    sentence = "Customer {customer} does not exist."
